import { NumacastError } from '../../core/errors.js'
import type { Clock } from '../../core/time/clock.js'
import { checkDurationMs } from '../../core/time/duration.js'
import type { RequestOptions } from './transport.js'

interface Pending {
  readonly resolve: (reply: Buffer) => void
  readonly reject: (error: unknown) => void
}

export interface OpenedRequest {
  /** Unsigned 32 bit; unique among the pending requests. */
  readonly id: number
  readonly reply: Promise<Buffer>
}

/**
 * The requests of one requester that have no reply yet. Each is settled exactly once: by reply, timeout, abort, or
 * {@link rejectAll}. Settling it clears its timer and its abort listener.
 */
export class PendingRequests {
  readonly #clock: Clock
  readonly #waiting = new Map<number, Pending>()
  #lastId = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#waiting.size
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT, or the signal's reason if it is already aborted */
  open(endpoint: string, options: RequestOptions, onTimeout?: () => void): OpenedRequest {
    const { timeoutMs, signal } = options
    checkDurationMs('timeoutMs', timeoutMs, { allowInfinity: true })
    signal?.throwIfAborted()
    const id = this.#freshId()
    const reply = new Promise<Buffer>((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(id)
        timer.cancel()
        signal?.removeEventListener('abort', onAbort)
      }
      const onAbort = (): void => {
        leave()
        reject(signal?.reason)
      }
      const expire = (): void => {
        leave()
        reject(
          new NumacastError('NUMACAST_TIMEOUT', `no reply from ${endpoint} within ${timeoutMs} ms`, {
            details: { endpoint, timeoutMs },
          }),
        )
        onTimeout?.()
      }
      // If the event loop was late, the timer fires before a reply that arrived in time has been read.
      let timer = this.#clock.after(timeoutMs, () => {
        timer = this.#clock.afterPoll(expire)
      })
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.set(id, {
        resolve: (body) => {
          leave()
          resolve(body)
        },
        reject: (error) => {
          leave()
          reject(error)
        },
      })
    })
    return { id, reply }
  }

  /** Returns false if no request has this `id`: the reply is late, duplicated or forged. */
  resolve(id: number, reply: Buffer): boolean {
    const pending = this.#waiting.get(id)
    pending?.resolve(reply)
    return pending !== undefined
  }

  reject(id: number, error: unknown): void {
    this.#waiting.get(id)?.reject(error)
  }

  rejectAll(error: unknown): void {
    for (const pending of [...this.#waiting.values()]) pending.reject(error)
  }

  #freshId(): number {
    do this.#lastId = (this.#lastId + 1) >>> 0
    while (this.#waiting.has(this.#lastId))
    return this.#lastId
  }
}
