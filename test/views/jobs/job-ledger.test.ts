import fc from 'fast-check'
import t from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import { type LedgerRun, maxRunsPerJob } from '../../../src/plane/scheduler/ledger-entry.js'
import type { JobIdentity, JobLifecycle } from '../../../src/plane/worker/job-lifecycle.js'
import { JobLedger, JobMissing } from '../../../src/views/jobs/job-ledger.js'
import type { ProcessEnd } from '../../../src/views/jobs/job-run.js'
import { jobReport } from './job-report.js'

const killed: ProcessEnd = { cause: 'killed', detail: 'SIGKILL', mayReassign: true }
const job = (jobId: string, queue = '') => ({ queue, jobId })
const process = { workerId: 'w', incarnation: 1 }

/** Returns what another ledger publishes of a run after this report. */
function ledgerRun(fields: Partial<JobLifecycle>): LedgerRun {
  const { jobId: _jobId, queue: _queue, event: _event, state: reportedState, ...rest } = jobReport(fields)
  return { ...rest, reportedState, processEnd: null }
}

t.test('a job is looked up by queue and id, with its attempts', (t) => {
  const ledger = new JobLedger()
  ledger.report(jobReport({ queue: 'mail' }), 0)
  ledger.report(jobReport({ queue: 'mail', state: 'failed', event: 'failed', revision: 1, error: 'no route' }), 1)
  ledger.report(jobReport({ queue: 'mail', attempt: 2, workerId: 'v', startedAtMs: 5 }), 2)
  ledger.report(jobReport({ queue: 'pictures' }), 3)
  t.match(ledger.get(job('1', 'mail')), {
    state: 'running',
    runs: [
      { attempt: 2, workerId: 'v', state: 'running' },
      { attempt: 1, workerId: 'w', state: 'failed', error: 'no route' },
    ],
  })
  t.equal(ledger.get(job('1')), undefined)
  t.same(
    ledger.withId('1').map(({ queue }) => queue),
    ['mail', 'pictures'],
  )
  t.same(
    ledger.list({ queue: 'mail', workerId: 'w' }).map(({ jobId }) => jobId),
    ['1'],
  )
  t.same(ledger.list({ state: 'completed' }), [])
  t.end()
})

t.test('the death of a worker closes its open jobs as lost, until it proves to be alive', (t) => {
  const ledger = new JobLedger()
  ledger.report(jobReport({ jobId: 'open' }), 0)
  ledger.report(jobReport({ jobId: 'done' }), 0)
  ledger.report(jobReport({ jobId: 'done', state: 'completed', event: 'completed', revision: 1 }), 1)
  ledger.report(jobReport({ jobId: 'elsewhere', workerId: 'v' }), 1)
  t.match(ledger.processEnded(process, killed), [
    { jobId: 'open', state: 'lost', runs: [{ processEnd: { cause: 'killed', mayReassign: true } }] },
    { jobId: 'done', state: 'completed' },
  ])
  t.same(ledger.processEnded(process, killed), [], 'a death that is reported again changes nothing')
  t.equal(ledger.get(job('elsewhere'))?.state, 'running')
  t.same(
    ledger.unfinishedOf(process).map(({ job: { jobId } }) => jobId),
    ['open'],
  )
  ledger.processEnded(process, null)
  t.equal(ledger.get(job('open'))?.state, 'running')
  ledger.processEnded(process, { ...killed, cause: 'replaced', mayReassign: false })
  t.match(ledger.get(job('open')), { state: 'lost', runs: [{ processEnd: { mayReassign: false } }] })
  ledger.processEnded(process, killed)
  t.match(ledger.get(job('open')), { runs: [{ processEnd: { cause: 'killed', mayReassign: true } }] })
  ledger.report(jobReport({ jobId: 'open', state: 'completed', event: 'completed', revision: 1 }), 2)
  t.equal(ledger.get(job('open'))?.state, 'completed', 'the end was on its way when the worker died')
  t.end()
})

t.test('a job of a process that is known to be dead is lost from the start', (t) => {
  const ledger = new JobLedger()
  t.match(ledger.report(jobReport(), 0, killed), { state: 'lost' })
  t.end()
})

t.test('beyond maxJobs the job that ended longest ago is evicted, then the job that is open longest', (t) => {
  const ledger = new JobLedger({ maxJobs: 3 })
  const report = (jobId: string, nowMs: number, fields: Partial<JobLifecycle> = {}) => {
    ledger.report(jobReport({ jobId, ...fields }), nowMs)
  }
  report('open', 0)
  report('first', 1)
  report('second', 2)
  report('second', 3, { state: 'completed', revision: 1 })
  report('first', 4, { state: 'failed', revision: 1 })
  report('new', 5)
  t.equal(ledger.whyMissing(job('second')), JobMissing.evictedByCount, 'ended before `first` did')
  t.equal(ledger.whyMissing(job('first')), undefined)
  t.equal(ledger.whyMissing(job('never')), JobMissing.unknown)
  report('newer', 6)
  t.equal(ledger.whyMissing(job('first')), JobMissing.evictedByCount)
  report('newest', 7)
  t.equal(ledger.whyMissing(job('open')), JobMissing.evictedByCount, 'only open jobs are left')
  t.strictSame(ledger.evictions, { byCount: 3, byAge: 0 })
  t.equal(ledger.size, 3)
  t.same(ledger.unfinishedOf(process).length, 3, 'an evicted job is no job of its worker')
  report('open', 8)
  t.equal(ledger.whyMissing(job('open')), undefined, 'a report brings an evicted job back')
  t.end()
})

t.test('a job is evicted when no report on it has come for the retention', (t) => {
  const ledger = new JobLedger({ retentionMs: 100 })
  ledger.report(jobReport({ jobId: 'repeated' }), 0)
  ledger.report(jobReport({ jobId: 'silent' }), 10)
  ledger.report(jobReport({ jobId: 'repeated' }), 90)
  ledger.expire(109)
  t.equal(ledger.size, 2)
  ledger.expire(110)
  t.equal(ledger.whyMissing(job('silent')), JobMissing.evictedByAge)
  t.equal(ledger.size, 1)
  ledger.expire(190)
  t.strictSame(ledger.evictions, { byCount: 0, byAge: 2 })
  t.end()
})

t.test('an entry of another ledger brings an evicted job back only by a later report', (t) => {
  const ended = ledgerRun({ state: 'completed', event: 'completed', revision: 1 })
  const endOf = () => undefined
  const ledger = new JobLedger({ maxJobs: 1, retentionMs: 100 })
  ledger.merge(job('old'), [ended], { reportedMs: 0, nowMs: 10, endOf })
  ledger.merge(job('new'), [ended], { reportedMs: 5, nowMs: 20, endOf })
  t.equal(ledger.whyMissing(job('old')), JobMissing.evictedByCount)
  t.equal(ledger.merge(job('old'), [ended], { reportedMs: 1, nowMs: 30, endOf }), undefined)
  t.equal(ledger.get(job('new'))?.state, 'completed', 'nothing is evicted for it')
  ledger.expire(105)
  t.equal(ledger.whyMissing(job('new')), JobMissing.evictedByAge)
  t.equal(ledger.merge(job('new'), [ended], { reportedMs: 104, nowMs: 106, endOf }), undefined)
  t.equal(ledger.merge(job('new'), [ended], { reportedMs: 106, nowMs: 107, endOf })?.state, 'completed')

  const late = new JobLedger({ maxJobs: 1 })
  late.mergeEviction(job('old'), 'evicted-by-count')
  t.ok(late.merge(job('old'), [ended], { reportedMs: 0, nowMs: 10, endOf }), 'another has evicted it, this one has not')
  t.end()
})

t.test('a run of another ledger that is one too many changes nothing', (t) => {
  const ledger = new JobLedger()
  for (let attempt = 2; attempt <= maxRunsPerJob + 1; attempt++) {
    ledger.report(jobReport({ attempt, state: 'failed', event: 'failed', revision: 1 }), attempt)
  }
  const before = ledger.get(job('1'))
  const first = ledgerRun({ attempt: 1, state: 'failed', event: 'failed', revision: 1 })
  t.equal(ledger.merge(job('1'), [first], { reportedMs: 1, nowMs: 20, endOf: () => undefined }), undefined)
  t.equal(ledger.get(job('1')), before)
  t.end()
})

/** Publishes what each ledger holds of the jobs that have changed, until nothing changes. Returns how often. */
function exchange(sides: readonly Side[], startMs: number, mostRounds: number): number {
  for (let round = 0; round < mostRounds; round++) {
    const published = sides.map(({ changed, ledger }) => {
      const jobs = [...changed.values()]
      changed.clear()
      return jobs.map((each) => ({
        job: each,
        evicted: ledger.whyMissing(each),
        reportedMs: ledger.reportedMs(each) ?? 0,
        runs: (ledger.get(each)?.runs ?? []).map(({ state: _, ...run }) => run),
      }))
    })
    if (published.every((entries) => entries.length === 0)) return round
    const nowMs = startMs + 250 * round
    for (const [from, entries] of published.entries()) {
      for (const [to, { ledger }] of sides.entries()) {
        for (const { job, evicted, reportedMs, runs } of from === to ? [] : entries) {
          if (evicted === undefined) ledger.merge(job, runs, { reportedMs, nowMs, endOf: () => undefined })
          else if (evicted !== JobMissing.unknown) ledger.mergeEviction(job, evicted)
        }
      }
    }
  }
  return mostRounds
}

interface Side {
  readonly ledger: JobLedger
  readonly changed: Map<string, JobIdentity>
}

/** Returns a ledger that has received the reports of jobs that ended, in this order. */
function side(maxJobs: number, jobIds: readonly number[]): Side {
  const changed = new Map<string, JobIdentity>()
  const ledger = new JobLedger({ maxJobs }, { changed: (each) => changed.set(each.jobId, each) })
  for (const [index, jobId] of jobIds.entries()) {
    ledger.report(jobReport({ jobId: String(jobId), state: 'completed', event: 'completed', revision: 1 }), index)
  }
  return { ledger, changed }
}

t.test('full ledgers that hold different jobs come to rest when they exchange what they hold', (t) => {
  const range = (first: number, last: number): number[] =>
    [...Array(last - first + 1).keys()].map((each) => first + each)
  const shuffled = (seed: number): number[] => {
    const random = seededRandom(seed)
    return range(1, 30)
      .map((each) => ({ each, by: random() }))
      .sort((a, b) => a.by - b.by)
      .map(({ each }) => each)
  }
  const cases: [string, Side[]][] = [
    ['different jobs', [side(2, [1, 2]), side(2, [3, 4])]],
    ['different evictions', [side(1, [1, 9]), side(1, [2, 9])]],
    ['an overlap, as after a cut network', [side(10, range(1, 10)), side(10, range(6, 15))]],
    ['a third that starts empty', [side(10, shuffled(1)), side(10, shuffled(2)), side(10, [])]],
    ['a third that starts empty and holds less', [side(10, shuffled(3)), side(10, shuffled(4)), side(3, [])]],
  ]
  for (const [name, sides] of cases) {
    const rounds = exchange(sides, 1_000, 50)
    t.ok(rounds <= 4, `${name}: ${rounds} rounds`)
    for (const { ledger } of sides) t.equal(ledger.size, ledger.options.maxJobs, name)
  }
  t.end()
})

t.test('options that make no sense are refused', (t) => {
  for (const options of [{ maxJobs: 0 }, { maxJobs: 1.5 }, { retentionMs: 0 }, { retentionMs: Number.NaN }]) {
    t.throws(() => new JobLedger(options), { code: 'NUMACAST_INVALID_ARGUMENT' }, JSON.stringify(options))
  }
  t.end()
})

interface Life {
  readonly attempt: number
  readonly workerId: string
  readonly incarnation: number
  readonly ends: 'completed' | 'failed' | 'killed' | 'running'
  readonly progress: readonly number[]
}

const life: fc.Arbitrary<Life> = fc.record({
  attempt: fc.integer({ min: 1, max: 3 }),
  workerId: fc.constantFrom('a', 'b'),
  incarnation: fc.integer({ min: 1, max: 2 }),
  ends: fc.constantFrom('completed', 'failed', 'killed', 'running'),
  progress: fc.array(fc.integer({ min: 0, max: 10 }), { maxLength: 4 }),
})

type Step = { readonly report: JobLifecycle } | { readonly killed: { workerId: string; incarnation: number } }

/** What one process reports of one attempt, in order. */
function stepsOf({ attempt, workerId, incarnation, ends, progress }: Life): Step[] {
  const base = jobReport({ attempt, workerId, incarnation, startedAtMs: attempt * 10 + incarnation })
  const reports: JobLifecycle[] = [
    base,
    ...progress.map(
      (tenths, index): JobLifecycle => ({ ...base, event: 'progress', revision: index + 1, progress: tenths / 10 }),
    ),
  ]
  const revision = progress.length + 1
  if (ends === 'completed' || ends === 'failed')
    reports.push({ ...base, event: ends, state: ends, revision, durationMs: 5 })
  const steps: Step[] = reports.map((report) => ({ report }))
  return ends === 'killed' ? [...steps, { killed: { workerId, incarnation } }] : steps
}

t.test('reports in any order, repeated, and mixed with deaths lead every ledger to the same record', (t) => {
  fc.assert(
    fc.property(
      fc.uniqueArray(life, {
        maxLength: 6,
        selector: ({ attempt, workerId, incarnation }) => `${attempt}${workerId}${incarnation}`,
      }),
      fc.infiniteStream(fc.nat()),
      (lives, random) => {
        const steps = lives.flatMap(stepsOf)
        if (steps.length === 0) return
        const take = (limit: number): number => (random.next().value ?? 0) % limit
        const shuffled = [...steps, ...steps.filter(() => take(3) === 0)]
        for (let last = shuffled.length - 1; last > 0; last--) {
          const other = take(last + 1)
          const [a, b] = [shuffled[last], shuffled[other]]
          if (a !== undefined && b !== undefined) [shuffled[last], shuffled[other]] = [b, a]
        }
        const records = [steps, shuffled].map((order) => {
          const ledger = new JobLedger()
          const dead = new Set<string>()
          const keyOf = (process: { workerId: string; incarnation: number }) =>
            `${process.workerId}${process.incarnation}`
          for (const step of order) {
            if ('report' in step) ledger.report(step.report, 0, dead.has(keyOf(step.report)) ? killed : null)
            else {
              dead.add(keyOf(step.killed))
              ledger.processEnded(step.killed, killed)
            }
          }
          return ledger.get(job('1'))
        })
        const [inOrder, anyOrder] = records
        if (JSON.stringify(inOrder) !== JSON.stringify(anyOrder)) {
          throw new Error(`${JSON.stringify(inOrder)} is not ${JSON.stringify(anyOrder)}`)
        }
        const killedProcesses = new Set(
          lives.filter(({ ends }) => ends === 'killed').map((each) => `${each.workerId}${each.incarnation}`),
        )
        for (const each of lives) {
          const run = inOrder?.runs.find(
            (held) =>
              held.attempt === each.attempt && held.workerId === each.workerId && held.incarnation === each.incarnation,
          )
          if (run === undefined && lives.length <= maxRunsPerJob) throw new Error('a run is missing')
          const isDead = killedProcesses.has(`${each.workerId}${each.incarnation}`)
          const expected = each.ends === 'completed' || each.ends === 'failed' ? each.ends : isDead ? 'lost' : 'running'
          if (run?.state !== expected) throw new Error(`${run?.state} is not ${expected}`)
        }
      },
    ),
    { numRuns: 500 },
  )
  t.pass('every order led to the same record, and no end was lost')
  t.end()
})
