import type { Clock, Timer } from '../../core/time/clock.js'
import type { RequestOptions } from '../lane/transport.js'
import type { RequestConnection } from './request-connection.js'

/** The head start of each endpoint over the next: Happy Eyeballs' minimum attempt delay (RFC 8305, section 5). */
const headStartMs = 100

/**
 * Sends one request over several paths to the same participant, best first, and settles with the first reply. Rejects
 * when every path has failed. Requests are idempotent (a pull changes nothing), so a duplicate does no harm.
 */
export class RequestRace {
  readonly #clock: Clock
  readonly #runners: readonly RequestConnection[]
  readonly #body: Uint8Array
  readonly #options: RequestOptions
  readonly #lost = new AbortController()
  readonly #deadlineMs: number
  #started = 0
  #failed = 0
  #nextStart: Timer | undefined
  #settle: { readonly resolve: (reply: Buffer) => void; readonly reject: (error: unknown) => void } | undefined

  constructor(clock: Clock, runners: readonly RequestConnection[], body: Uint8Array, options: RequestOptions) {
    this.#clock = clock
    this.#runners = runners
    this.#body = body
    this.#options = options
    this.#deadlineMs = clock.nowMs() + options.timeoutMs
  }

  async run(): Promise<Buffer> {
    const { signal } = this.#options
    signal?.throwIfAborted()
    const onAbort = (): void => this.#lost.abort(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await new Promise((resolve, reject) => {
        this.#settle = { resolve, reject }
        this.#startNext()
      })
    } finally {
      this.#nextStart?.cancel()
      signal?.removeEventListener('abort', onAbort)
      this.#lost.abort()
      for (const runner of this.#runners) runner.closeUnproven()
    }
  }

  #startNext(): void {
    this.#nextStart?.cancel()
    const runner = this.#runners[this.#started]
    if (runner === undefined) return
    this.#started++
    const timeoutMs = Math.max(0, this.#deadlineMs - this.#clock.nowMs())
    this.#attempt(runner, timeoutMs).then(this.#settle?.resolve, (error) => this.#onFailed(error))
    if (this.#started < this.#runners.length) {
      this.#nextStart = this.#clock.after(headStartMs, () => this.#startNext())
    }
  }

  /** Async, so that a synchronous exception of a connection is handled like a rejection. */
  async #attempt(runner: RequestConnection, timeoutMs: number): Promise<Buffer> {
    return runner.request(this.#body, { timeoutMs, signal: this.#lost.signal })
  }

  #onFailed(error: unknown): void {
    this.#failed++
    if (this.#failed === this.#runners.length || this.#lost.signal.aborted) this.#settle?.reject(error)
    else if (this.#failed === this.#started) this.#startNext()
  }
}
