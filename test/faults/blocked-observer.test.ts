import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { BlockedPhase } from '../../src/testing/processes/blocked-loop.js'
import type { MemberProcess } from '../../src/testing/processes/member-process.js'
import type { ProcessFleet } from '../../src/testing/processes/process-fleet.js'
import { withFleet } from './fleet.js'

/**
 * An observer that was away has heard nobody for as long: when it looks again, its timers run before its sockets are
 * read. It must doubt itself, not the others. Where the kernel vouches for who lives that is easy; so each is
 * played with a kernel that tells nothing, too, where only the lease decides.
 */

t.setTimeout(0)
// Each fleet has a domain of its own, and its members mostly wait. The longest come first.
t.jobs = 3

const processes = 10
const workersEach = 5
const phases = [BlockedPhase.timer, BlockedPhase.io, BlockedPhase.immediate, BlockedPhase.microtasks] as const
const blocksMs = [1_000, 5_000] as const
/** Away again and again, before it has read what came meanwhile: silent for longer than a lease, by its own measure. */
const stutter = { ms: 2_000, times: 4 }
const stoppedMs = 10_000
/** Its next eight judgments: what it concludes from its own absence shows by then. */
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

/** An observer that did not run for that long reports itself degraded and does not suspect all the others. */
function wasDegraded(t: Test, observer: MemberProcess): void {
  const { name } = observer.spec
  const doubts = observer.reports.flatMap((report) =>
    report.kind === 'health' ? `${report.change} ${report.reason}` : [],
  )
  t.ok(doubts.includes('degraded loop-late'), `${name} reports that it was late`)
  const suspected = observer.verdicts('suspect').length
  t.ok(suspected < (processes * workersEach) / 2, `${name} suspected ${suspected}, not all`)
  t.strictSame(observer.verdicts('unreachable'), [], `${name} reports no worker unreachable`)
}

for (const kernel of ['tells', 'blind'] as const) {
  const name = `a blocked or stopped collector whose kernel ${kernel === 'tells' ? 'tells' : 'is blind'} calls none of 50 dead`
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

void withFleet(t, 'blocked or stopped schedulers call none of 50 workers dead', async (t, fleet) => {
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
  t.pass('all are alive again')
})

void withFleet(
  t,
  'blocked or stopped watchers without a kernel to ask call none of 50 workers dead',
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
