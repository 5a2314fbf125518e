import type { Change, LastValueCache } from '../../cache/last-value-cache.js'
import type { Clock, Timer } from '../../core/clock.js'
import type { Counters } from '../../core/counters.js'
import type { EntityId, Guid, Seq } from '../../core/ids.js'
import { maxKeyBytes, SamplesEncoder } from '../../wire/samples.js'

export interface LiveSenderComponents {
  readonly participant: Guid
  readonly clock: Clock
  readonly counters: Counters
  /** The longest frame that its lane takes. */
  readonly maxFrameBytes: number
  /** Hands one frame to the lane, for each partition. Never throws. */
  readonly send: (frame: Buffer) => void
  /** Hands over a frame with one sample, longer than the lane takes. False when those who want it will have to ask. */
  readonly sendLarge: (frame: Buffer) => boolean
  /** Whether the lane has more in hand than it should. */
  readonly congested: () => boolean
  /** A beacon now: something was written that no live frame carries. */
  readonly hurry: () => void
  /** What was waiting has been handed to the lane. */
  readonly sent: () => void
}

const congestedRetryMs = 1
/** A frame's header, a sample's key and what else stands before its value. */
const largeOverheadBytes = maxKeyBytes + 256

const tickEnd = Promise.resolve()

/**
 * Sends what is new in a writer's cache: a walk from the last number sent. Values overwritten before the walk reaches
 * them are simply not there any more, which is conflation; a reader sees no gap, because frames name the number that
 * the previous frame ended with.
 */
export class LiveSender {
  readonly #components: LiveSenderComponents
  readonly #writer: EntityId
  readonly #cache: LastValueCache
  readonly #latencyBudgetMs: number
  readonly #encoder: SamplesEncoder
  readonly #flush = (): void => this.flush()
  #sentSeq: Seq = 0
  #pendingBytes = 0
  #flushTimer: Timer | undefined
  #flushQueued = false
  #closed = false

  constructor(components: LiveSenderComponents, writer: EntityId, cache: LastValueCache, latencyBudgetMs: number) {
    this.#components = components
    this.#writer = writer
    this.#cache = cache
    this.#latencyBudgetMs = latencyBudgetMs
    this.#encoder = new SamplesEncoder(components.participant, components.maxFrameBytes)
  }

  /** Everything up to here has been handed to the lane. */
  get sentSeq(): Seq {
    return this.#sentSeq
  }

  /** So much more is waiting: it leaves with the end of the tick, when the budget is over or when a frame is full. */
  written(bytes: number): void {
    this.#pendingBytes += bytes
    const full = this.#pendingBytes >= this.#components.maxFrameBytes
    if (this.#latencyBudgetMs > 0 && !full) this.#flushAfter(this.#latencyBudgetMs)
    else if (!this.#flushQueued) {
      this.#flushQueued = true
      // As queueMicrotask would, which wraps each call in a resource of its own.
      void tickEnd.then(this.#flush)
    }
  }

  /** Hands what is waiting to the lane now; a little later when the lane has too much in hand. */
  flush(): void {
    this.#flushTimer?.cancel()
    this.#flushTimer = undefined
    this.#flushQueued = false
    if (this.#closed || this.#sentSeq === this.#cache.lastSeq) return
    if (this.#components.congested()) {
      this.#components.counters.add('writer.held-back')
      this.#flushAfter(congestedRetryMs)
      return
    }
    this.#pendingBytes = 0
    this.#send()
  }

  /** As {@link flush}, however much the lane has in hand: for the last words. */
  drain(): void {
    this.#flushTimer?.cancel()
    this.#flushTimer = undefined
    if (!this.#closed && this.#sentSeq !== this.#cache.lastSeq) this.#send()
  }

  /** A frame without samples: the writer is alive and has nothing new to say. */
  sendEmpty(): void {
    if (this.#closed) return
    this.#encoder.begin(this.#writer, this.#sentSeq, this.#components.clock.wallMs())
    this.#components.send(this.#encoder.finish())
  }

  /** Twice is fine. */
  close(): void {
    this.#closed = true
    this.#flushTimer?.cancel()
  }

  #flushAfter(delayMs: number): void {
    this.#flushTimer ??= this.#components.clock.after(delayMs, this.#flush)
  }

  #send(): void {
    const { clock, send } = this.#components
    const nowMs = clock.nowMs()
    const encoder = this.#encoder
    let isUnheard = false
    encoder.begin(this.#writer, this.#sentSeq, clock.wallMs())
    for (const change of this.#cache.changesAfter(this.#sentSeq)) {
      const ageMs = nowMs - change.writtenMs
      if (!encoder.add(change, ageMs)) {
        if (encoder.count > 0) {
          send(encoder.finish())
          encoder.begin(this.#writer, this.#sentSeq, clock.wallMs())
        }
        if (!encoder.add(change, ageMs)) {
          if (!this.#sendLarge(change, ageMs)) isUnheard = true
          encoder.begin(this.#writer, change.seq, clock.wallMs())
        }
      }
      this.#sentSeq = change.seq
    }
    if (encoder.count > 0) send(encoder.finish())
    this.#sentSeq = this.#cache.lastSeq
    // The beacon tells readers what they lack, and they pull it.
    if (isUnheard) this.#components.hurry()
    this.#components.sent()
  }

  /** In a frame of its own, which the next one follows by its number. */
  #sendLarge(change: Change, ageMs: number): boolean {
    const { participant, clock, counters, sendLarge } = this.#components
    counters.add('writer.large')
    const encoder = new SamplesEncoder(participant, change.valueLength + largeOverheadBytes)
    encoder.begin(this.#writer, this.#sentSeq, clock.wallMs())
    encoder.add(change, ageMs)
    return sendLarge(encoder.finish())
  }
}
