import { ErrorReporter } from './error-reporter.js'

/** Names that are kept; a name that is new after that counts as {@link overflowName}. */
const maxNames = 1_024

/** Counts what has no counter of its own because there are too many names. */
export const overflowName = 'counters.overflow'

/**
 * Named counters: every discarded thing has one. Names are dotted, outermost noun first
 * (`datagram.rejected.bad-magic`). At most 1,024 names are kept, because part of a name may come from outside: the code
 * of a peer's error, the name of a policy.
 */
export class Counters {
  readonly #counts = new Map<string, number>()
  #reporter: ErrorReporter

  constructor(reporter: ErrorReporter = new ErrorReporter()) {
    this.#reporter = reporter
  }

  add(name: string, by = 1): void {
    this.#add(name, by)
  }

  /** Counts and reports an operation of numacast that failed. */
  addError(name: string, error: unknown): void {
    this.#reporter.error(name, error, this.#add(name, 1))
  }

  /** Counts and reports a callback of the application that threw. */
  addCallbackError(name: string, error: unknown): void {
    this.#reporter.callbackError(name, error, this.#add(name, 1))
  }

  /** Replaces the reporter, for counters that were made before their participant. */
  reportTo(reporter: ErrorReporter): void {
    this.#reporter = reporter
  }

  get(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  /** A sorted copy. */
  snapshot(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  #add(name: string, by: number): number {
    const isKept = this.#counts.has(name) || this.#counts.size < maxNames
    const kept = isKept ? name : overflowName
    const count = (this.#counts.get(kept) ?? 0) + by
    this.#counts.set(kept, count)
    return count
  }
}
