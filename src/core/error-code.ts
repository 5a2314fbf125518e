import { NumacastError } from './errors.js'

/** Returns the code of a system error in lower case, for counters: `ENOBUFS` as `enobufs`; `unknown` without a code. */
export function errorCode(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | null)?.code
  return typeof code === 'string' ? code.toLowerCase() : 'unknown'
}

/** Returns the code of a {@link NumacastError}, `unknown` for any other error. */
export function numacastCode(error: unknown): string {
  return error instanceof NumacastError ? error.code : 'unknown'
}

/**
 * For a `catch` that takes a failed system call for "not available": throws on anything else, which is a fault of the
 * program and must not be hidden.
 */
export function mustBeSystemError(error: unknown): void {
  if (typeof (error as NodeJS.ErrnoException | null)?.syscall !== 'string') throw error
}
