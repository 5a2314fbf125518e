import t from 'tap'
import { Collector } from '../../src/roles/collector/collector.js'
import type { WatchProcess } from '../../src/roles/node/kernel-watch.js'
import { idleZone } from '../../src/testing/idle-readings.js'
import { MemoryFleet } from '../../src/testing/memory-fleet.js'

t.test('workers without a kernel watch are counted in the status, and watched once it opens', async (t) => {
  const fleet = new MemoryFleet()
  const tries: number[] = []
  let isExhausted = true
  const watchProcess: WatchProcess = ({ pid }) => {
    tries.push(pid)
    const status = isExhausted
      ? ({ state: 'unavailable', reason: 'EMFILE: too many open files' } as const)
      : ({ state: 'watching' } as const)
    return { status, close() {} }
  }
  const participant = await fleet.join({ name: 'collector 0', properties: { role: 'collector', numaNode: 0 } })
  const openReadings = () => ({ read: () => idleZone, close() {} })
  const collector = await fleet.plane.settle(
    Collector.start({ numaNode: 0, adopts: false }, { participant, watchProcess, openReadings }),
  )
  const worker = await fleet.worker('w')
  await fleet.clock.advance(3_000)
  const unwatched = () => fleet.lateView((view) => view.status().nodes.map((node) => node.collector.unwatchedWorkers))
  t.strictSame(await unwatched(), [1])
  t.ok(participant.counters.get('kernel-watch.unavailable') >= 1)
  isExhausted = false
  await fleet.clock.advance(10_000)
  t.strictSame(await unwatched(), [0], 'a later try succeeded')
  t.ok(tries.filter((pid) => pid === worker.participant.identity.pid).length >= 2)
  await fleet.plane.settle(collector.close())
  await fleet.close()
})
