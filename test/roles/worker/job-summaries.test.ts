import t from 'tap'
import type { JobLifecycle } from '../../../src/plane/job-lifecycle.js'
import { JobSummaries } from '../../../src/roles/worker/job-summaries.js'

function job(jobId: string, queue: string | null = null): JobLifecycle {
  return {
    jobId,
    workerId: 'w',
    queue,
    event: 'started',
    startedAtMs: 0,
    durationMs: null,
    error: null,
    retryAfterMs: null,
  }
}

t.test('counts what is in flight, by queue too, and how it ended', (t) => {
  const ledger = new JobSummaries({ retentionMs: 100, maxFinished: 10 })
  ledger.start(job('1', 'q'))
  ledger.start(job('2', 'q'))
  ledger.start(job('3'))
  t.equal(ledger.inFlight, 3)
  t.strictSame([...ledger.byQueue], [['q', 2]])
  t.match(ledger.end('1', null, 12, 0), { event: 'completed', durationMs: 12, error: null })
  t.match(ledger.end('2', 'out of ink', 5, 0), { event: 'failed', error: 'out of ink' })
  t.equal(ledger.end('2', null, 5, 0), undefined, 'a job ends once')
  t.strictSame([...ledger.byQueue], [])
  t.match(ledger, { inFlight: 1, started: 3, completed: 1, failed: 1 })
  t.end()
})

t.test('finished jobs are forgotten by age and by number, oldest first, running ones never', (t) => {
  const ledger = new JobSummaries({ retentionMs: 100, maxFinished: 2 })
  for (const id of ['1', '2', '3', 'running']) ledger.start(job(id))
  ledger.end('1', null, 0, 0)
  ledger.end('2', null, 0, 50)
  ledger.end('3', null, 0, 60)
  t.strictSame(ledger.takeExpired(60), ['1'], 'one too many')
  t.strictSame(ledger.takeExpired(149), [])
  t.strictSame(ledger.takeExpired(150), ['2'])
  ledger.start(job('3'))
  t.strictSame(ledger.takeExpired(1_000), [], 'started again before it was forgotten')
  ledger.remember('asked-for', 1_000)
  ledger.remember('running', 1_000)
  t.strictSame(ledger.takeExpired(1_100), ['asked-for'])
  t.end()
})
