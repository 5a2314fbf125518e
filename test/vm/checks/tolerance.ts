import type { Test } from 'tap'

export const mebibyte = 1024 * 1024

/** Compares a reading with a measurement. The message has both, so that a log shows the difference. */
export function near(t: Test, what: string, read: number | null, measured: number, tolerance: number): void {
  const message = `${what}: read ${read}, measured ${measured}, ± ${tolerance}`
  t.ok(read !== null && Math.abs(read - measured) <= tolerance, message)
}
