import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { MemberProcess } from '../../src/testing/processes/member-process.js'
import type { ProcessFleet } from '../../src/testing/processes/process-fleet.js'
import { withFleet } from './fleet.js'

/** Mass restarts, and a restart of the collector: the fleet converges, and only dead workers are reported dead. */

t.setTimeout(0)

const workersEach = 10

function start(fleet: ProcessFleet, processes: number): Promise<MemberProcess[]> {
  return Promise.all(
    Array.from({ length: processes }, (_, process) =>
      fleet.workers(Array.from({ length: workersEach }, (_, worker) => `w${process}-${worker}`)),
    ),
  )
}

void withFleet(t, '200 workers killed and restarted at once are alive again', async (t, fleet) => {
  await fleet.collector()
  const view = await fleet.view()
  const before = await start(fleet, 20)
  await fleet.seesAlive(view, ...before)
  for (const process of before) process.signal('SIGKILL')
  const after = await start(fleet, 20)
  await fleet.seesAlive(view, ...after)
  const late = await fleet.view({ name: 'late view' })
  await fleet.seesAlive(late, ...after)
  t.pass('all workers are alive in their new processes')
})

void withFleet(t, '100 workers that leave and restart at once are alive again', async (t, fleet) => {
  await fleet.collector()
  const view = await fleet.view()
  const before = await start(fleet, 10)
  await fleet.seesAlive(view, ...before)
  for (const process of before) process.send({ do: 'leave' })
  const after = await start(fleet, 10)
  await fleet.seesAlive(view, ...after)
  t.pass('all workers are alive in their new processes')
})

void withFleet(t, 'a killed and restarted collector finds live and dead workers', async (t, fleet) => {
  const collector = await fleet.collector()
  const view = await fleet.view()
  const workers = await Promise.all(['a', 'b', 'c'].map((name) => fleet.workers([`${name}1`, `${name}2`])))
  const [first, second, third] = workers
  if (first === undefined || second === undefined || third === undefined) throw new Error('too few workers')
  await fleet.seesAlive(view, ...workers)

  await collector.end()
  // Longer than a lease without a collector. One worker is killed during that time.
  await delay(5_000)
  await second.end()
  const successor = await fleet.collector({ name: 'second collector' })
  const newcomer = await fleet.workers(['d1'])
  await fleet.seesAlive(view, first, third, newcomer)
  await fleet.seesLast(view, second, /^(dead|unreachable)/)

  // At once, as a supervisor does, before any observer has noticed.
  await successor.end()
  const last = await fleet.collector({ name: 'third collector' })
  await fleet.discovers(last, first)
  await first.end()
  await fleet.seen(view, first, /^dead/)
  await fleet.seesAlive(view, third, newcomer)
  const late = await fleet.view({ name: 'late view' })
  await fleet.seesAlive(late, third, newcomer)
  await fleet.seesLast(view, second, /^(dead|unreachable)/)
  t.notMatch(late.history('b1').join(), /alive/, 'a worker that died unobserved is never reported alive again')
  for (const name of ['a1', 'b1', 'c1', 'd1']) t.comment(`${name}: ${view.history(name).join(', ')}`)
})

void withFleet(t, 'a second worker takes over the name, and the first gets it back', async (t, fleet) => {
  await fleet.collector()
  const view = await fleet.view()
  const first = await fleet.workers(['w'])
  await fleet.seesAlive(view, first)
  const second = await fleet.workers(['w'])
  await fleet.seesAlive(view, second)
  await fleet.reports(view, first, /^alive, replaced$/)
  await second.end()
  await fleet.reports(view, second, /^alive, (killed|exited)$/)
  await fleet.reports(view, first, /^alive, replaced, alive$/)
  await fleet.seesAlive(view, first)
  const mayReassign = (worker: MemberProcess) => view.changes('w', worker).map((change) => change.mayReassign)
  t.strictSame(mayReassign(first), [false, false, false], 'it was alive all the time')
  t.strictSame(mayReassign(second), [false, true])
})
