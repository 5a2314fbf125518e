import t from 'tap'
import { type JobLifecycle, jobKey, jobLifecycle } from '../../../../src/plane/worker/job-lifecycle.js'
import { JobSummaries } from '../../../../src/roles/worker/jobs/job-summaries.js'
import { jobReport } from '../../../views/jobs/job-report.js'

const job = (jobId: string, queue = ''): JobLifecycle => jobReport({ jobId, queue })
const completed = (jobId: string, queue = ''): JobLifecycle => ({ ...job(jobId, queue), state: 'completed' })
const of = (jobId: string, queue = '') => ({ queue, jobId })

t.test('jobs in flight and their outcomes are counted', (t) => {
  const summaries = new JobSummaries({ retentionMs: 100, maxFinished: 10 })
  summaries.start(job('1', 'q'), 0)
  summaries.start(job('2', 'q'), 0)
  summaries.start(job('3'), 0)
  t.equal(summaries.inFlight, 3)
  summaries.end(completed('1', 'q'), 0)
  summaries.end({ ...job('2', 'q'), state: 'failed', error: 'out of ink' }, 0)
  t.match(summaries, { inFlight: 1, started: 3, completed: 1, failed: 1 })
  t.match(summaries.last(of('2', 'q')), { state: 'failed', error: 'out of ink' })
  t.match(summaries.last(of('3')), { state: 'running' })
  t.equal(summaries.last(of('4')), undefined)
  t.end()
})

t.test('finished jobs are forgotten by age and by number, oldest first; running jobs are kept', (t) => {
  const summaries = new JobSummaries({ retentionMs: 100, maxFinished: 2 })
  for (const id of ['1', '2', '3', 'running']) summaries.start(job(id), 0)
  summaries.end(completed('1'), 0)
  summaries.end(completed('2'), 50)
  summaries.end(completed('3'), 60)
  t.strictSame(summaries.takeExpired(60), ['/1'], 'one job above the limit')
  t.strictSame(summaries.takeExpired(149), [])
  t.strictSame(summaries.takeExpired(150), ['/2'])
  summaries.start(job('3'), 200)
  t.strictSame(summaries.takeExpired(1_000), [], 'started again before it was forgotten')
  summaries.update(job('asked-for'), 1_000)
  summaries.update(job('running'), 1_000)
  t.strictSame(summaries.takeExpired(1_100), ['/asked-for'])
  t.end()
})

t.test('two queues may have jobs of the same id', (t) => {
  const summaries = new JobSummaries({ retentionMs: 100, maxFinished: 10 })
  summaries.start(job('1', 'mail'), 0)
  t.equal(summaries.has(of('1', 'pictures')), false)
  summaries.start(job('1', 'pictures'), 0)
  t.equal(summaries.inFlight, 2)
  summaries.end(completed('1', 'mail'), 0)
  t.equal(summaries.has(of('1', 'pictures')), true)
  t.not(jobLifecycle.keyOf(job('1', 'mail')), jobLifecycle.keyOf(job('1', 'pictures')))
  t.equal(jobLifecycle.keyOf(job('1', 'mail')), jobKey(of('1', 'mail')))
  t.strictSame(summaries.takeExpired(1_000), [jobKey(of('1', 'mail'))])
  t.end()
})

t.test('a report on a running job is due again when it is old', (t) => {
  const summaries = new JobSummaries({ retentionMs: 100, maxFinished: 10 })
  summaries.start(job('1'), 0)
  summaries.start(job('2'), 50)
  t.match(summaries.takeDue(100, 100), [{ jobId: '1' }])
  t.strictSame(summaries.takeDue(100, 149), [])
  summaries.update({ ...job('2'), progress: 0.5 }, 120)
  t.match(summaries.takeDue(100, 200), [{ jobId: '1' }])
  t.match(summaries.takeDue(100, 220), [{ jobId: '2', progress: 0.5 }])
  t.end()
})
