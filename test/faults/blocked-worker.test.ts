import t from 'tap'
import { BlockedPhase } from '../../src/testing/processes/blocked-loop.js'
import type { MemberProcess } from '../../src/testing/processes/member-process.js'
import type { ProcessFleet } from '../../src/testing/processes/process-fleet.js'
import { withFleet } from './fleet.js'

/** A worker whose event loop is blocked for five seconds is busy, not dead. */

t.setTimeout(0)

const blockedMs = 5_000
/** The cause that the collector must report for its silence. Waiting without CPU use is no sign of work. */
const causes: readonly (readonly [BlockedPhase, RegExp])[] = [
  [BlockedPhase.timer, /^stalled \(loop-busy\)$/],
  [BlockedPhase.io, /^stalled \(loop-busy\)$/],
  [BlockedPhase.immediate, /^stalled \(loop-busy\)$/],
  [BlockedPhase.microtasks, /^stalled \(loop-busy\)$/],
  [BlockedPhase.crypto, /^stalled \(loop-busy\)$/],
  [BlockedPhase.wait, /^stalled \((loop-busy|io-wait)\)$/],
]

void withFleet(t, 'a worker blocked for 5 s is stalled, never dead, and alive again', async (t, fleet) => {
  await fleet.collector()
  const view = await fleet.view()
  const workers = await Promise.all(causes.map(([phase]) => fleet.workers([phase])))
  await fleet.seesAlive(view, ...workers)
  await Promise.all(
    workers.map(async (worker, index) => {
      const [phase, cause] = causes[index] ?? [BlockedPhase.timer, /never/]
      await blockUntilSeen(fleet, view, worker, phase, cause)
      await fleet.seesAlive(view, worker)
      t.comment(`${phase}: ${view.history(phase, worker).join(', ')}`)
    }),
  )
})

/** Blocks once for {@link blockedMs}. A collector short of CPU itself waits longer, so the block is then repeated, longer. */
async function blockUntilSeen(
  fleet: ProcessFleet,
  view: MemberProcess,
  worker: MemberProcess,
  phase: BlockedPhase,
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
