import t from 'tap'
import { Phase } from './blocking.js'
import { type Fleet, withFleet } from './fleet.js'
import type { MemberProcess } from './member-process.js'

/** A worker whose event loop does nothing for five seconds is busy, not dead. */

t.setTimeout(0)

const blockedMs = 5_000
/** Why the collector must say that it is silent. Waiting without using the CPU is no sign of work. */
const causes: readonly (readonly [Phase, RegExp])[] = [
  [Phase.timer, /^stalled \(loop-busy\)$/],
  [Phase.io, /^stalled \(loop-busy\)$/],
  [Phase.immediate, /^stalled \(loop-busy\)$/],
  [Phase.microtasks, /^stalled \(loop-busy\)$/],
  [Phase.crypto, /^stalled \(loop-busy\)$/],
  [Phase.wait, /^stalled \((loop-busy|io-wait)\)$/],
]

void withFleet(t, 'a worker blocked for 5 s is stalled, never dead, and alive again', async (t, fleet) => {
  await fleet.collector()
  const view = await fleet.view()
  const workers = await Promise.all(causes.map(([phase]) => fleet.workers([phase])))
  await fleet.seesAlive(view, ...workers)
  await Promise.all(
    workers.map(async (worker, index) => {
      const [phase, cause] = causes[index] ?? [Phase.timer, /never/]
      await blockUntilSeen(fleet, view, worker, phase, cause)
      await fleet.seesAlive(view, worker)
      t.comment(`${phase}: ${view.history(phase, worker).join(', ')}`)
    }),
  )
})

/** Once, for {@link blockedMs}; again and longer where the collector, short of CPU itself, has more patience than that. */
async function blockUntilSeen(
  fleet: Fleet,
  view: MemberProcess,
  worker: MemberProcess,
  phase: Phase,
  cause: RegExp,
): Promise<void> {
  let isOver = false
  const seen = fleet.seen(view, worker, cause).finally(() => {
    isOver = true
  })
  seen.catch(() => {}) // awaited below
  for (let ms = blockedMs; !isOver; ms = Math.min(2 * ms, 20_000)) await worker.block(phase, ms)
  await seen
}
