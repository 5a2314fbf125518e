import { readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import { MemoryFleet } from '../../src/testing/memory-fleet.js'
import { containerSizes } from '../support/container-sizes.js'

t.setTimeout(300_000)

const topic = defineTopic<{ id: string; n: number }>({ name: 'state', key: 'id', fields: ['id', 'n'] })
/** Longer than the retention of dead workers and of orphaned rows. */
const settledMs = 6 * 60_000

/** Returns the bounds of docs/diagnostics.md by place; undefined where a bound is no number. */
function documentedBounds(): ReadonlyMap<string, number | undefined> {
  const page = readFileSync(path.resolve(import.meta.dirname, '../../../docs/diagnostics.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `([A-Za-z]+\.#?\w+(?:\[\])?)` \| [^|]+ \| ([^|]+) \|/gm)]
  return new Map(
    rows.map(([, place = '', bound = '']) => {
      const number = /^[\d,]+/.exec(bound)?.[0].replaceAll(',', '')
      return [place, number === undefined ? undefined : Number(number)]
    }),
  )
}

t.test(
  'after many joins and leaves each container is as large as before, or within its documented bound',
  async (t) => {
    const fleet = new MemoryFleet()
    const collector = await fleet.collector()
    const worker = await fleet.worker('w')
    const scheduler = await fleet.scheduler({})
    const { view, issuer, leave } = await fleet.operator()
    const peer = await fleet.join({ name: 'peer' })
    peer.reader(topic)
    peer.writer(topic).write({ id: 'own', n: 0 })

    const churn = async (round: number): Promise<void> => {
      const workerId = `v${round % 3}`
      const newcomer = await fleet.worker(workerId)
      const other = await fleet.join({ name: `other ${round}` })
      const writer = other.writer(topic)
      other.reader(topic)
      writer.write({ id: `k${round}`, n: round })
      writer.write({ id: 'shared', n: round })
      await fleet.clock.advance(1_500)
      const running = newcomer.run(`job-${round}`, async () => {})
      await fleet.clock.advance(500)
      await running
      issuer.apply('drain', workerId, { deadlineMs: null }, { ttlMs: 3_000, reason: 'churn' })
      await fleet.clock.advance(500)
      writer.dispose(`k${round}`)
      await fleet.clock.advance(500)
      if (round % 2 === 0) await fleet.plane.settle(newcomer.close())
      else fleet.kill(newcomer)
      await fleet.plane.settle(other.close())
    }

    const roots = [collector, worker, scheduler, view, peer]
    for (let round = 0; round < 6; round++) await churn(round)
    await fleet.clock.advance(settledMs)
    const before = containerSizes(roots)
    for (let round = 6; round < 24; round++) await churn(round)
    await fleet.clock.advance(settledMs)
    const after = containerSizes(roots)

    t.ok(after.size > 100, `${after.size} places`)
    const bounds = documentedBounds()
    t.ok(bounds.size > 10)
    for (const [place, { total, largest }] of after) {
      const { total: earlier } = before.get(place) ?? { total: 0 }
      if (total <= earlier) continue
      t.ok(bounds.has(place), `${place} has grown from ${earlier} to ${total}: docs/diagnostics.md must name its bound`)
      t.ok(largest <= (bounds.get(place) ?? Number.POSITIVE_INFINITY), `${place}: ${largest} of ${bounds.get(place)}`)
    }
    await leave()
    await fleet.close()
  },
)
