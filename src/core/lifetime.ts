/** Ends a resource once: when its owner closes it, or when a signal aborts. */
export class Lifetime {
  /** Resolves when the resource has ended. Never rejects. */
  readonly ended: Promise<void>
  readonly #signal: AbortSignal | undefined
  readonly #onAbort: () => void
  #resolve: () => void = () => undefined

  /**
   * @param close closes the resource; called when `signal` aborts
   * @throws the signal's reason when it has aborted already
   */
  constructor(signal: AbortSignal | undefined, close: () => unknown) {
    signal?.throwIfAborted()
    this.#signal = signal
    this.#onAbort = () => void close()
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve
    })
    signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** The resource has ended. Idempotent. */
  end(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#resolve()
  }
}
