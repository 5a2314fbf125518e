import type { WaitOptions } from '../../core/abort.js'

interface Waiter {
  readonly isOpen: () => boolean
  readonly enter: () => void
  readonly refuse: (reason: unknown) => void
}

/**
 * Those who wait for admission, first come first served. One is let in per turn of the event loop, so that what he
 * then starts is counted before the next is asked in.
 */
export class AdmissionQueue {
  readonly #waiting = new Set<Waiter>()
  #scheduled = false

  get size(): number {
    return this.#waiting.size
  }

  /** Resolves when `isOpen` holds and it is this caller's turn. @throws the signal's reason, or what `refuseAll` gives */
  wait(isOpen: () => boolean, { signal }: WaitOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const leave = (): void => {
        this.#waiting.delete(waiter)
        signal?.removeEventListener('abort', onAbort)
      }
      const onAbort = (): void => {
        leave()
        reject(signal?.reason)
      }
      const waiter: Waiter = {
        isOpen,
        enter: () => {
          leave()
          resolve()
        },
        refuse: (reason) => {
          leave()
          reject(reason)
        },
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.add(waiter)
      this.recheck()
    })
  }

  /** What `isOpen` rests on may have changed. */
  recheck(): void {
    if (this.#scheduled || this.#waiting.size === 0) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      for (const waiter of this.#waiting) {
        if (!waiter.isOpen()) continue
        waiter.enter()
        this.recheck()
        return
      }
    })
  }

  refuseAll(reason: unknown): void {
    for (const waiter of [...this.#waiting]) waiter.refuse(reason)
  }
}
