import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { eventually } from '../../../src/testing/eventually.js'
import type { JobRecord } from '../../../src/views/jobs/job-record.js'
import { claimDomain } from '../../support/domain-lock.js'
import { askPlane, startPlane } from '../../support/plane.js'
import { explainFailure, startCli } from '../../support/run-cli.js'

t.setTimeout(600_000)

/** On a busy machine the ledgers may take longer to answer than the default. */
const patience = ['--wait', '10s']

t.test('numacast jobs and numacast job print what the ledger of the scheduler holds', async (t) => {
  const plane = await startPlane(t, ['--workers', '0'])
  const domain = ['--domain', String(plane.domain)]
  const list = async (args: readonly string[] = []): Promise<{ matching: number; jobs: JobRecord[] }> => {
    const { code, stdout, stderr } = await askPlane(['jobs', '--json', ...patience, ...args, ...domain])
    t.equal(code, 0, stderr)
    return JSON.parse(stdout)
  }
  // The collector may answer before the scheduler runs.
  const none = await eventually('the ledger of the scheduler', async () => {
    const result = await askPlane(['jobs', ...patience, ...domain])
    return result.stdout.includes('scheduler holds') ? result : undefined
  })
  t.equal(none.code, 0, none.stderr)
  t.match(none.stdout, /^domain \d+: 0 jobs; scheduler holds 0 of at most 10000, 0 evicted\n/)

  const folder = path.join(t.testdir({}), 'endless')
  mkdirSync(folder)
  writeFileSync(path.join(folder, 'sparse'), '')
  truncateSync(path.join(folder, 'sparse'), 2 ** 40) // no blocks on disk, and an hour of zeros to hash
  const args = ['worker', '--id', 'slow', '--queue', 'hashes', '--path', path.dirname(folder), ...domain]
  const slow = startCli(args)
  explainFailure(t, slow)
  t.teardown(async () => {
    slow.child.kill('SIGKILL')
    await slow.ended
  })
  await plane.worker('slow', ({ inFlight }) => inFlight === 1)
  const running = await eventually('the job is in the ledger', async () => (await list(['--queue', 'hashes'])).jobs[0])
  t.match(running, { queue: 'hashes', state: 'running', runs: [{ workerId: 'slow', attempt: 1 }] })
  t.equal((await list(['--queue', 'other'])).matching, 0)
  t.equal((await list(['--state', 'lost'])).matching, 0)

  slow.child.kill('SIGKILL')
  const lost = await eventually('the job is lost', async () => {
    return (await list(['--worker', 'slow', '--state', 'lost'])).jobs[0]
  })
  t.match(lost, { jobId: running.jobId, runs: [{ processEnd: { cause: 'killed', mayReassign: true } }] })
  const shown = await askPlane(['job', running.jobId, ...patience, ...domain])
  t.equal(shown.code, 0, shown.stderr)
  t.match(shown.stdout, /^job .* of queue hashes: lost\n {2}attempt 1 on slow: lost, started .*Z\n/)
  t.match(shown.stdout, /worker died \(killed.*\); may be reassigned/)
  const table = await askPlane(['jobs', ...patience, ...domain])
  t.match(table.stdout, /JOB +QUEUE +STATE +WORKER +ATTEMPT/)
  t.match(table.stdout, / hashes +lost +slow +1 /)

  const unknown = await askPlane(['job', 'never', '--json', ...patience, ...domain])
  t.equal(unknown.code, 3)
  t.same(JSON.parse(unknown.stdout), { domain: plane.domain, jobs: [], evicted: [] })
  t.match(unknown.stderr, /^numacast: job never is unknown: no report on it has arrived$/m)
})

t.test('numacast job tells that a job was evicted', async (t) => {
  const domain = ['--domain', String(await claimDomain(t))]
  const folder = t.testdir({ a: { file: 'x' } })
  const daemons = [
    startCli(['collector', '--all', ...domain]),
    startCli(['scheduler', '--ledger-jobs', '5000', '--ledger-retention', '1s', ...domain]),
    startCli(['worker', '--id', 'w', '--path', folder, '--rest', '3s', ...domain]),
  ]
  explainFailure(t, ...daemons)
  t.teardown(async () => {
    for (const { child } of daemons) child.kill('SIGTERM')
    await Promise.all(daemons.map(({ ended }) => ended))
  })
  const done = await eventually('a job has ended', async () => {
    const { code, stdout } = await askPlane(['jobs', '--json', '--state', 'completed', ...patience, ...domain])
    return code === 0 ? (JSON.parse(stdout).jobs[0] as JobRecord | undefined) : undefined
  })
  const evicted = await eventually('the job is evicted', async () => {
    const result = await askPlane(['job', done.jobId, '--json', ...patience, ...domain])
    return result.code === 3 ? result : undefined
  })
  t.match(evicted.stderr, /^numacast: job w:.* was evicted from the ledger by age$/m)
  t.match(JSON.parse(evicted.stdout), { jobs: [], evicted: [{ jobId: done.jobId, evicted: 'evicted-by-age' }] })
  const { stdout } = await askPlane(['jobs', '--json', ...patience, ...domain])
  const [ledger] = JSON.parse(stdout).ledgers
  t.match(ledger, { maxJobs: 5_000, retentionMs: 1_000 })
  t.ok(ledger.evictedByAge >= 1)
})
