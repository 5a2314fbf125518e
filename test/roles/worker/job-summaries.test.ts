import t from 'tap'
import { type JobLifecycle, jobKey, jobLifecycle } from '../../../src/plane/job-lifecycle.js'
import { JobSummaries } from '../../../src/roles/worker/job-summaries.js'

function job(jobId: string, queue = ''): JobLifecycle {
  return {
    jobId,
    workerId: 'w',
    queue,
    event: 'started',
    incarnation: 1,
    startedAtMs: 0,
    durationMs: null,
    error: null,
    retryAfterMs: null,
  }
}

const of = (jobId: string, queue = '') => ({ queue, jobId })

t.test('a ledger counts jobs in flight and their outcomes', (t) => {
  const ledger = new JobSummaries({ retentionMs: 100, maxFinished: 10 })
  ledger.start(job('1', 'q'))
  ledger.start(job('2', 'q'))
  ledger.start(job('3'))
  t.equal(ledger.inFlight, 3)
  t.match(ledger.end(of('1', 'q'), null, 12, 0), { event: 'completed', durationMs: 12, error: null })
  t.match(ledger.end(of('2', 'q'), 'out of ink', 5, 0), { event: 'failed', error: 'out of ink' })
  t.equal(ledger.end(of('2', 'q'), null, 5, 0), undefined, 'a job ends once')
  t.match(ledger, { inFlight: 1, started: 3, completed: 1, failed: 1 })
  t.end()
})

t.test('finished jobs are forgotten by age and by number, oldest first; running jobs are kept', (t) => {
  const ledger = new JobSummaries({ retentionMs: 100, maxFinished: 2 })
  for (const id of ['1', '2', '3', 'running']) ledger.start(job(id))
  ledger.end(of('1'), null, 0, 0)
  ledger.end(of('2'), null, 0, 50)
  ledger.end(of('3'), null, 0, 60)
  t.strictSame(ledger.takeExpired(60), ['/1'], 'one job above the limit')
  t.strictSame(ledger.takeExpired(149), [])
  t.strictSame(ledger.takeExpired(150), ['/2'])
  ledger.start(job('3'))
  t.strictSame(ledger.takeExpired(1_000), [], 'started again before it was forgotten')
  ledger.remember(of('asked-for'), 1_000)
  ledger.remember(of('running'), 1_000)
  t.strictSame(ledger.takeExpired(1_100), ['/asked-for'])
  t.end()
})

t.test('two queues may have jobs of the same id', (t) => {
  const summaries = new JobSummaries({ retentionMs: 100, maxFinished: 10 })
  summaries.start(job('1', 'mail'))
  t.equal(summaries.has(of('1', 'pictures')), false)
  summaries.start(job('1', 'pictures'))
  t.equal(summaries.inFlight, 2)
  t.match(summaries.end(of('1', 'mail'), null, 0, 0), { queue: 'mail', event: 'completed' })
  t.equal(summaries.has(of('1', 'pictures')), true)
  t.not(jobLifecycle.keyOf(job('1', 'mail')), jobLifecycle.keyOf(job('1', 'pictures')))
  t.equal(jobLifecycle.keyOf(job('1', 'mail')), jobKey(of('1', 'mail')))
  t.strictSame(summaries.takeExpired(1_000), [jobKey(of('1', 'mail'))])
  t.end()
})
