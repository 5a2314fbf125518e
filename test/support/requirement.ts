import type { Test } from 'tap'

/**
 * For a test that needs something of the machine (root, cgroups, a compiler). Where it is missing the test is skipped
 * and says why; with `NUMACAST_CI=1` that is a failure instead, so that nothing stays unproven in silence.
 *
 *     if (!requirement(t, 'a writable memory cgroup', writable, `${dir}: ${why}`)) return
 *
 * @returns whether the test can go on.
 */
export function requirement(t: Test, name: string, met: boolean, reason: string): boolean {
  if (met) return true
  const message = `needs ${name}: ${reason}`
  if (process.env.NUMACAST_CI === '1') t.fail(message)
  else t.pass(`skipped: ${message}`, { skip: message })
  return false
}
