import { NumacastError } from './errors.js'

/** Returns the code of a system error in lower case, for counters: `ENOBUFS` as `enobufs`; `unknown` without a code. */
export function errorCode(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | null)?.code
  return typeof code === 'string' ? code.toLowerCase() : 'unknown'
}

/**
 * Returns the code of the system error behind an error, in lower case: its own, one in its details, or that of a cause.
 * `undefined` if no system error is behind it.
 */
export function systemErrorCode(error: unknown): string | undefined {
  let cause = error
  for (let depth = 0; depth < maxCauses && cause instanceof Error; depth++) {
    const { code, details } = cause as { readonly code?: unknown; readonly details?: { readonly errno?: unknown } }
    const found = [details?.errno, code].find((name) => typeof name === 'string' && systemCode.test(name))
    if (typeof found === 'string') return found.toLowerCase()
    cause = cause.cause
  }
  return undefined
}

/**
 * Returns the last word of the counter of a failure: the code of a system error (`emfile`), else that of a
 * {@link NumacastError} (`timeout`), else `unknown`.
 */
export function failureCode(error: unknown): string {
  const code = systemErrorCode(error)
  if (code !== undefined) return code
  return error instanceof NumacastError
    ? error.code.slice('NUMACAST_'.length).toLowerCase().replaceAll('_', '-')
    : 'unknown'
}

const maxCauses = 8
/** `EMFILE`, and `EAI_AGAIN` of getaddrinfo(3); not `ERR_…`, which are codes of Node.js. */
const systemCode = /^E(?:AI_)?[A-Z0-9]+$/

/** The process or the machine is out of descriptors or memory, or the call was interrupted. */
const transientCodes: ReadonlySet<string> = new Set(['emfile', 'enfile', 'enomem', 'enobufs', 'eagain', 'eintr'])

/** Returns whether the same call may succeed later. @param code a system error's code, in lower case */
export function isTransient(code: string): boolean {
  return transientCodes.has(code)
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
