import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { Phase } from './blocking.js'
import { type Fleet, withFleet } from './fleet.js'
import type { MemberProcess } from './member-process.js'

/**
 * An observer that was away has heard nobody for as long: when it looks again, its timers run before its sockets are
 * read. It must doubt itself, not the others.
 */

t.setTimeout(0)

const processes = 10
const workersEach = 5
const phases = [Phase.timer, Phase.io, Phase.immediate, Phase.microtasks] as const
const blocksMs = [1_000, 5_000] as const
const stoppedMs = 10_000
/** Its next eight judgements: what it concludes from its own absence shows by then. */
const aftermathMs = 2_000

async function stop(observer: MemberProcess, ms: number): Promise<void> {
  observer.signal('SIGSTOP')
  await delay(ms)
  observer.signal('SIGCONT')
}

async function fifty(fleet: Fleet): Promise<MemberProcess[]> {
  return Promise.all(
    Array.from({ length: processes }, (_, process) =>
      fleet.workers(Array.from({ length: workersEach }, (_, worker) => `w${process}-${worker}`)),
    ),
  )
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
    ...blocked.map(async (view, index) => {
      for (const ms of blocksMs) {
        await view.block(phases[index] ?? Phase.timer, ms)
        await delay(aftermathMs)
      }
    }),
  ])
  await delay(aftermathMs)
  await Promise.all(views.map((view) => fleet.seesAlive(view, ...workers)))
  t.pass('all are alive again')
})

void withFleet(t, 'a blocked or stopped collector calls none of 50 workers dead', async (t, fleet) => {
  const collector = await fleet.collector()
  const view = await fleet.view()
  const workers = await fifty(fleet)
  await fleet.seesAlive(view, ...workers)
  for (const phase of phases) {
    for (const ms of blocksMs) {
      await collector.block(phase, ms)
      await delay(aftermathMs)
    }
  }
  await stop(collector, stoppedMs)
  await delay(aftermathMs)
  await fleet.seesAlive(view, ...workers)
  t.pass('all are alive again')
})
