import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { defineTopic, Lane } from '../../src/pubsub/model/topic.js'
import { joinDomain } from '../../src/pubsub/participant.js'
import { until } from '../../src/testing/eventually.js'
import { claimDomain } from '../support/domain-lock.js'

const script = fileURLToPath(new URL('./reader-process.js', import.meta.url))
const shape = { name: 'state', key: 'id', fields: ['id', 'n', 'ballast'] } as const
const [instances, rounds] = [50, 400]

for (const lane of Object.values(Lane)) {
  t.test(`a stopped process delays no other reader, and has every value after it continues: ${lane}`, async (t) => {
    const domain = await claimDomain(t)
    const topic = defineTopic<{ id: string; n: number; ballast: string }>({ ...shape, lane })
    const [a, b] = [await joinDomain({ domain, name: 'writing' }), await joinDomain({ domain, name: 'quick' })]
    const child = spawn(process.execPath, [script, String(domain), lane, String(instances + 1)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.teardown(async () => {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      await Promise.all([a.close(), b.close()])
    })
    const lines = createInterface({ input: child.stdout })
    const writer = a.writer(topic)
    const reader = b.reader(topic)
    await once(lines, 'line')
    await reader.synced()
    await until('both readers are known', () => writer.matchedReaders().length === 2)
    child.kill('SIGSTOP')
    const ballast = 'x'.repeat(500)
    for (let round = 0; round < rounds; round++) {
      for (let n = 0; n < instances; n++) writer.write({ id: `k${n}`, n: round, ballast })
      writer.flush()
      // More than any queue to one peer holds, but never faster than the quick reader.
      await until('the quick reader has this round', () => reader.get(`k${instances - 1}`)?.value?.n === round)
    }
    t.same(
      [...reader.entries()].map(([, { value }]) => value?.n),
      Array.from({ length: instances }, () => rounds - 1),
    )
    child.kill('SIGCONT')
    writer.write({ id: 'last', n: 0, ballast: '' })
    const [line] = (await once(lines, 'line')) as [string]
    t.ok(Number(line) <= instances * rounds + 1, `every instance is there, after ${line} samples`)
  })
}
