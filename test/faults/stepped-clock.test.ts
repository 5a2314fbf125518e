import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { MemberProcess } from '../../src/testing/processes/member-process.js'
import type { ProcessFleet } from '../../src/testing/processes/process-fleet.js'
import { requirement } from '../support/requirement.js'
import { withFleet } from './fleet.js'
import { SteppedClock } from './stepped-clock.js'

/** Ages are measured on the monotonic clock: a step of the wall clock is no evidence about a peer. */

t.setTimeout(0)

const workerCount = 6
/** Longer than a lease, and than every interval of the plane. */
const aftermathMs = 6_000
const hourMs = 3_600_000

interface SteppedFleet {
  readonly clock: SteppedClock
  readonly collector: MemberProcess
  readonly view: MemberProcess
  readonly workers: readonly MemberProcess[]
}

async function open(t: Test, fleet: ProcessFleet): Promise<SteppedFleet | undefined> {
  let clock: SteppedClock
  try {
    clock = new SteppedClock(t)
  } catch (error) {
    requirement(t, 'a C compiler', false, String(error))
    return undefined
  }
  const collector = await fleet.collector({}, clock)
  const view = await fleet.view({}, clock)
  const names = Array.from({ length: workerCount }, (_, index) => `w${index}`)
  const workers = await Promise.all(names.map((name) => fleet.workers([name], {}, clock)))
  await fleet.seesAlive(view, ...workers)
  return { clock, collector, view, workers }
}

async function step({ clock, collector, view, workers }: SteppedFleet, t: Test, hours: number): Promise<void> {
  clock.set(hours)
  for (const member of [collector, view, ...workers]) {
    const off = Math.round(((await member.wallMs()) - Date.now()) / hourMs)
    if (off !== hours) throw new Error(`${member.spec.name}: the clock is ahead by ${off} h, not by ${hours} h`)
  }
  t.comment(`the wall clock is ${hours} h ahead`)
}

void withFleet(t, 'stepping the wall clock by an hour either way makes no worker suspect', async (t, fleet) => {
  const stepped = await open(t, fleet)
  if (stepped === undefined) return
  const { view, workers } = stepped
  /** Returns the workers reported suspect within {@link aftermathMs}. */
  const suspicions = async (): Promise<string[]> => {
    const before = view.reports.length
    await delay(aftermathMs)
    await fleet.seesAlive(view, ...workers)
    return view.reports.slice(before).flatMap((report) => {
      return report.kind === 'sighting' && report.liveliness === 'suspect' ? `${report.workerId} suspect` : []
    })
  }
  for (const [from, to] of [
    [0, 1],
    [1, -1],
    [-1, 0],
  ] as const) {
    // A machine that is short of CPU makes workers suspect too. The step is then repeated once no worker is suspect. A
    // suspicion caused by the step would recur each time.
    for (let play = 1; ; play++) {
      await step(stepped, t, to)
      const raised = await suspicions()
      if (raised.length === 0) break
      t.comment(`${from} h → ${to} h, play ${play}: ${raised.join(', ')}`)
      if (play === 5) {
        t.fail(`the step from ${from} h to ${to} h makes workers suspect each time`)
        break
      }
      await step(stepped, t, from)
      for (let calm = 0; calm < 10 && (await suspicions()).length > 0; calm++);
    }
  }
  for (const { spec } of workers) {
    t.notMatch(view.history(spec.name).join(), /unreachable|dead/, `${spec.name}: ${view.history(spec.name)}`)
  }
})

void withFleet(
  t,
  'a worker or collector restarted after the clock was set back still counts as the newer one',
  async (t, fleet) => {
    const stepped = await open(t, fleet)
    if (stepped === undefined) return
    const { clock, collector, view, workers } = stepped
    await step(stepped, t, -1)
    const [killed, left] = workers
    if (killed === undefined || left === undefined) throw new Error('too few workers')
    killed.signal('SIGKILL')
    await fleet.seen(view, killed, /^dead/)
    left.send({ do: 'leave' })
    await fleet.seen(view, left, /^dead/)
    const again = await Promise.all([killed, left].map(({ spec }) => fleet.workers([spec.name], {}, clock)))
    await fleet.seesAlive(view, ...again)
    t.pass('workers')
    await collector.end()
    await fleet.collector({}, clock)
    await fleet.seesAlive(view, ...again, ...workers.slice(2))
    const late = await fleet.view({ name: 'late view' }, clock)
    await fleet.seesAlive(late, ...again, ...workers.slice(2))
    t.pass('a collector')
  },
)
