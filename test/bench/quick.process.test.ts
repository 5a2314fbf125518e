// Each bench runs and measures every contender that it does not skip. The speed is not checked here.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import type { BenchReport } from '../../bench/harness.js'

const main = fileURLToPath(new URL('../../bench/main.js', import.meta.url))

const expected = {
  latency: ['numacast 64 B', 'node-dgram 64 B', 'zeromq 64 B'],
  throughput: ['numacast', 'numacast conflated', 'zeromq'],
  rank: ['numacast 10000 explained', 'plain 10000', 'upkeep 10000', 'all policies 10000'],
  'late-join': ['numacast', 'numacast first reader', 'numacast cold'],
} as const

for (const [bench, names] of Object.entries(expected)) {
  t.test(`${bench} --quick`, async (t) => {
    const { stdout } = await promisify(execFile)(process.execPath, [main, bench, '--quick', '--json'])
    const report = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as BenchReport
    t.equal(report.bench, bench)
    for (const name of names)
      t.ok(
        report.rows.some((row) => row.name === name),
        `${name} was measured`,
      )
    for (const { name, median } of report.rows) t.ok(median > 0 && Number.isFinite(median), `${name}: ${median}`)
    for (const { name, value } of report.ratios) t.ok(value > 0 && Number.isFinite(value), `${name} = ${value}`)
    for (const { peer, reason } of report.skipped) t.match(reason, /not installed/, `${peer} was skipped`)
  })
}

t.test('a contender that is not installed is skipped, a failed measurement is an error', async (t) => {
  const env = { ...process.env, PATH: '/nonexistent', NUMACAST_BENCH_PROGRAMS: '/nonexistent' }
  const { stdout } = await promisify(execFile)(process.execPath, [main, 'late-join', '--quick', '--json'], { env })
  const report = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as BenchReport
  t.same(
    report.skipped.map(({ peer }) => peer),
    ['redis', 'nats', 'mqtt'],
  )
  await t.rejects(promisify(execFile)(process.execPath, [main, 'no-such-bench']), { code: 1 })
})
