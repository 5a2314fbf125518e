/**
 * Lists every error that numacast throws, by its stable `code`. Callers branch on the code, never on the message. A
 * message names what was wrong, where, and what to do; it may be reworded.
 */
export const errorCodes = {
  NUMACAST_ADDON: 'the native addon failed; the message has errno and the path',
  NUMACAST_CLOSED: 'the object was closed before or during the call',
  NUMACAST_CONFLICT: 'another holder already has the requested name or resource; the message names it',
  NUMACAST_FRESHNESS:
    'a read cannot be served as fresh as it was asked for; the error states why, and what could be served',
  NUMACAST_INVALID_ARGUMENT: 'an argument or option is outside what is documented',
  NUMACAST_LIMIT: 'a resource limit would be exceeded; nothing was changed',
  NUMACAST_MALFORMED: 'bytes from outside do not follow the wire format',
  NUMACAST_NOT_FOUND: 'no such plane, node, worker or intent is known',
  NUMACAST_TIMEOUT: 'no answer arrived in time',
  NUMACAST_TRANSPORT: 'a socket could not be opened, bound or used',
  NUMACAST_UNAVAILABLE: 'the operation is not available here (platform, kernel or permission)',
} as const

export type ErrorCode = keyof typeof errorCodes

export interface NumacastErrorOptions extends ErrorOptions {
  /** Typed facts for a program: names, limits, paths, errno. */
  readonly details?: Readonly<Record<string, unknown>>
}

/**
 * The one base class: branch on {@link NumacastError.code}. A subclass exists only where an error has more to tell than
 * `details` (`FreshnessError`).
 */
export class NumacastError extends Error {
  override readonly name = 'NumacastError'
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: NumacastErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.details = options.details ?? {}
  }
}

export function invalidArgument(message: string, details?: Readonly<Record<string, unknown>>): NumacastError {
  return new NumacastError('NUMACAST_INVALID_ARGUMENT', message, details === undefined ? {} : { details })
}
