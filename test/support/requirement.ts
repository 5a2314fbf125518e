import type { Test } from 'tap'

/**
 * Checks a requirement of a test on the machine (root, cgroups, a compiler). If it is missing the test is skipped with
 * the reason. With `NUMACAST_CI=1` the test fails instead, so that no test is skipped unnoticed.
 *
 *     if (!requirement(t, 'a writable memory cgroup', writable, `${dir}: ${why}`)) return
 *
 * @returns whether the test can continue.
 */
export function requirement(t: Test, name: string, met: boolean, reason: string): boolean {
  if (met) return true
  const message = `needs ${name}: ${reason}`
  if (process.env.NUMACAST_CI === '1') t.fail(message)
  else t.pass(`skipped: ${message}`, { skip: message })
  return false
}
