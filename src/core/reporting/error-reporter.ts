import { type CaughtError, publishCallbackError, publishError } from './diagnostics.js'
import { errorText } from './error-text.js'
import type { Logger } from './logger.js'

export interface ErrorReporterOptions {
  /** Absent: nothing is logged, and an error of a callback becomes a warning of the process. */
  readonly logger?: Logger | undefined
  /** The GUID of the participant that reports. */
  readonly participant?: string
}

/**
 * Makes caught errors visible. Each goes to its diagnostics channel. The logger gets the 1st, 2nd, 4th, 8th … error of
 * each counter, so that an error in a hot path does not flood the log.
 *
 * Without a logger, the first error of each callback counter is emitted as a warning of the process: an error of the
 * application's own code must not stay a number. Node prints warnings to stderr, and `--no-warnings` turns them off.
 */
export class ErrorReporter {
  readonly #logger: Logger | undefined
  readonly #participant: string | undefined

  constructor(options: ErrorReporterOptions = {}) {
    this.#logger = options.logger
    this.#participant = options.participant
  }

  /** Reports that a callback of the application threw. */
  callbackError(counter: string, error: unknown, count: number): void {
    const caught = this.#toCaughtError(counter, error, count)
    publishCallbackError(caught)
    if (this.#logger === undefined) {
      if (count === 1) warn(counter, error)
    } else if (isLogged(count)) this.#log('error', caught, 'a callback threw')
  }

  /** Reports that an operation of numacast failed. */
  error(counter: string, error: unknown, count: number): void {
    const caught = this.#toCaughtError(counter, error, count)
    publishError(caught)
    if (isLogged(count)) this.#log('warn', caught, 'an operation failed')
  }

  #toCaughtError(counter: string, error: unknown, count: number): CaughtError {
    return { counter, error, count, participant: this.#participant }
  }

  #log(level: 'warn' | 'error', { counter, error: err, count, participant }: CaughtError, what: string): void {
    try {
      this.#logger?.[level]({ counter, err, count, participant }, `numacast: ${what} (${counter}, ${count} so far)`)
    } catch (thrown) {
      // A logger is a callback too. It must not end what it is told about.
      warn('logger', thrown)
    }
  }
}

/** The 1st, 2nd, 4th, 8th, … */
function isLogged(count: number): boolean {
  return Number.isInteger(Math.log2(count))
}

function warn(counter: string, error: unknown): void {
  const detail = error instanceof Error ? (error.stack ?? error.message) : errorText(error)
  process.emitWarning(`a callback of the application threw (${counter}). Later ones are only counted`, {
    type: 'NumacastWarning',
    code: 'NUMACAST_CALLBACK_ERROR',
    detail,
  })
}
