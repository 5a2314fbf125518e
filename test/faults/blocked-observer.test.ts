import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { BlockedPhase } from '../../src/testing/processes/blocked-loop.js'
import type { MemberProcess } from '../../src/testing/processes/member-process.js'
import type { ProcessFleet } from '../../src/testing/processes/process-fleet.js'
import { withFleet } from './fleet.js'

/**
 * An observer that was blocked has received nothing during that time. When it continues, its timers run before its
 * sockets are read. It must report itself degraded instead of suspecting its peers. A kernel that reports live processes
 * makes this easy, so each case also runs without kernel evidence, where only the lease decides.
 */

t.setTimeout(0)
// Each fleet has its own domain, and its members mostly wait. The longest cases run first.
t.jobs = 3

const processes = 10
const workersEach = 5
const phases = [BlockedPhase.timer, BlockedPhase.io, BlockedPhase.immediate, BlockedPhase.microtasks] as const
const blocksMs = [1_000, 5_000] as const
/** Blocks repeatedly before the queued frames are read: longer than a lease by the observer's own measure. */
const stutter = { ms: 2_000, times: 4 }
const stoppedMs = 10_000
/** Its next eight rounds. What it concludes from its own absence is visible by then. */
const aftermathMs = 2_000

async function stop(observer: MemberProcess, ms: number): Promise<void> {
  observer.signal('SIGSTOP')
  await delay(ms)
  observer.signal('SIGCONT')
  await delay(aftermathMs)
}

async function block(observer: MemberProcess, phase: BlockedPhase): Promise<void> {
  for (const ms of blocksMs) {
    await observer.block(phase, ms)
    await delay(aftermathMs)
  }
}

async function fifty(fleet: ProcessFleet): Promise<MemberProcess[]> {
  return Promise.all(
    Array.from({ length: processes }, (_, process) =>
      fleet.workers(Array.from({ length: workersEach }, (_, worker) => `w${process}-${worker}`)),
    ),
  )
}

/** Checks that an observer blocked for that long reports itself degraded and does not suspect all its peers. */
function wasDegraded(t: Test, observer: MemberProcess): void {
  const { name } = observer.spec
  const degradations = observer.reports.flatMap((report) =>
    report.kind === 'health' ? `${report.change} ${report.reason}` : [],
  )
  t.ok(degradations.includes('degraded loop-late'), `${name} reports that it was late`)
  const suspected = observer.verdicts('suspect').length
  t.ok(suspected < (processes * workersEach) / 2, `${name} suspected ${suspected}, not all`)
  t.strictSame(observer.verdicts('unreachable'), [], `${name} reports no worker unreachable`)
}

for (const kernel of ['tells', 'blind'] as const) {
  const name = `a blocked or stopped collector whose kernel ${kernel === 'tells' ? 'answers' : 'does not answer'} reports none of 50 workers dead`
  void withFleet(t, name, async (t, fleet) => {
    const collector = await fleet.collector({ kernel })
    const view = await fleet.view()
    const workers = await fifty(fleet)
    await fleet.seesAlive(view, ...workers)
    for (const phase of phases) await block(collector, phase)
    await stop(collector, stoppedMs)
    await fleet.seesAlive(view, ...workers)
    await fleet.holdsAlive(collector, ...workers)
    wasDegraded(t, collector)
  })
}

void withFleet(t, 'blocked or stopped schedulers report none of 50 workers dead', async (t, fleet) => {
  await fleet.collector()
  const blocked = await Promise.all(phases.map((phase) => fleet.view({ name: `view blocked in ${phase}` })))
  const stopped = await fleet.view({ name: 'stopped view' })
  const workers = await fifty(fleet)
  const views = [...blocked, stopped]
  await Promise.all(views.map((view) => fleet.seesAlive(view, ...workers)))
  await Promise.all([
    stop(stopped, stoppedMs),
    ...blocked.map((view, index) => block(view, phases[index] ?? BlockedPhase.timer)),
  ])
  await Promise.all(views.map((view) => fleet.seesAlive(view, ...workers)))
  t.pass('all workers are alive again')
})

void withFleet(
  t,
  'blocked or stopped watchers without kernel evidence report none of 50 workers dead',
  async (t, fleet) => {
    const blocked = await Promise.all(
      phases.map((phase) => fleet.watcher({ name: `watcher blocked in ${phase}`, kernel: 'blind' })),
    )
    const stopped = await fleet.watcher({ name: 'stopped watcher', kernel: 'blind' })
    const workers = await fifty(fleet)
    const watchers = [...blocked, stopped]
    await Promise.all(watchers.map((watcher) => fleet.holdsAlive(watcher, ...workers)))
    await Promise.all([
      stop(stopped, stoppedMs),
      ...blocked.map(async (watcher, index) => {
        const phase = phases[index] ?? BlockedPhase.timer
        await block(watcher, phase)
        await watcher.block(phase, stutter.ms, stutter.times)
        await delay(aftermathMs)
      }),
    ])
    await Promise.all(watchers.map((watcher) => fleet.holdsAlive(watcher, ...workers)))
    for (const watcher of watchers) wasDegraded(t, watcher)
  },
)
