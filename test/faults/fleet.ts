import type { Test } from 'tap'
import { ProcessFleet } from '../../src/testing/processes/process-fleet.js'
import { claimDomain } from '../support/domain-lock.js'

/** How often each case runs. CI runs each once, `NUMACAST_FAULT_ROUNDS=50` finds rare faults. */
export const rounds = Math.max(1, Number(process.env.NUMACAST_FAULT_ROUNDS ?? 1))

/** Runs a case `rounds` times, each with its own fleet. Fails if a running process is reported dead. */
export function withFleet(
  t: Test,
  name: string,
  story: (t: Test, fleet: ProcessFleet) => Promise<void>,
): Promise<unknown> {
  // Buffered: a test that sets `t.jobs` runs several cases at a time.
  return t.test(name, { buffered: t.jobs > 1 }, async (t) => {
    for (let round = 1; round <= rounds; round++) {
      await t.test(`round ${round}`, async (t) => {
        const fleet = new ProcessFleet(await claimDomain(t))
        try {
          await story(t, fleet)
          t.strictSame(fleet.falseDeaths, [], 'no running process was reported dead')
          t.strictSame(fleet.unexpectedEnds, [], 'no process ended by itself')
        } catch (error) {
          t.comment([...fleet.falseDeaths, ...fleet.unexpectedEnds].join('\n') || 'no false death, no unexpected end')
          throw error
        } finally {
          await fleet.close()
        }
      })
    }
  })
}
