import type { Change, LastValueCache } from '../../cache/last-value-cache.js'
import type { EntityId, Guid, Seq } from '../../core/ids.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Clock, Timer } from '../../core/time/clock.js'
import { maxKeyBytes, SamplesEncoder } from '../../wire/samples.js'

/** Carries a writer's frames to its partitions; `WriterConnection` does. */
export interface FrameOutput {
  /** The longest frame that the lane takes. */
  readonly maxFrameBytes: number
  /** The lane has more frames queued than it should. */
  readonly isCongested: boolean
  /** Passes one frame to the lane, for each partition. Never throws. */
  send(frame: Buffer): void
  /** Passes on a frame with one sample, longer than the lane takes. Returns false when readers must pull the sample. */
  sendLarge(frame: Buffer): boolean
  /** Sends a beacon at once, because a change was written that no live frame carries. */
  announceNow(): void
}

export interface LiveSenderComponents {
  readonly participant: Guid
  readonly clock: Clock
  readonly counters: Counters
  readonly output: FrameOutput
}

const congestedRetryMs = 1
/** A frame's header, a sample's key and the other fields before its value. */
const largeOverheadBytes = maxKeyBytes + 256

const tickEnd = Promise.resolve()

/**
 * Sends what is new in a writer's cache by a walk from the last number sent. Values that were overwritten before the
 * walk reaches them are gone: this is conflation. A reader sees no gap, because each frame names the number that the
 * previous frame ended with.
 */
export class LiveSender {
  readonly #components: LiveSenderComponents
  readonly #writer: EntityId
  readonly #cache: LastValueCache
  readonly #latencyBudgetMs: number
  readonly #encoder: SamplesEncoder
  readonly #onSent: () => void
  readonly #flush = (): void => this.flush()
  #sentSeq: Seq = 0
  #pendingBytes = 0
  #flushTimer: Timer | undefined
  #flushQueued = false
  #closed = false

  /** @param onSent all that was waiting has been passed to the lane */
  constructor(
    components: LiveSenderComponents,
    writer: EntityId,
    cache: LastValueCache,
    latencyBudgetMs: number,
    onSent: () => void,
  ) {
    this.#components = components
    this.#onSent = onSent
    this.#writer = writer
    this.#cache = cache
    this.#latencyBudgetMs = latencyBudgetMs
    this.#encoder = new SamplesEncoder(components.participant, components.output.maxFrameBytes)
  }

  /** Every change up to this number has been passed to the lane. */
  get sentSeq(): Seq {
    return this.#sentSeq
  }

  /** Schedules a flush: at the end of the tick, when the latency budget is over, or when a frame is full. */
  written(bytes: number): void {
    this.#pendingBytes += bytes
    const full = this.#pendingBytes >= this.#components.output.maxFrameBytes
    if (this.#latencyBudgetMs > 0 && !full) this.#flushAfter(this.#latencyBudgetMs)
    else if (!this.#flushQueued) {
      this.#flushQueued = true
      // As queueMicrotask would, which wraps each call in a resource of its own.
      void tickEnd.then(this.#flush)
    }
  }

  /** Passes what is waiting to the lane now; 1 ms later while the lane is congested. */
  flush(): void {
    this.#flushTimer?.cancel()
    this.#flushTimer = undefined
    this.#flushQueued = false
    if (this.#closed || this.#sentSeq === this.#cache.lastSeq) return
    if (this.#components.output.isCongested) {
      this.#components.counters.add('writer.held-back')
      this.#flushAfter(congestedRetryMs)
      return
    }
    this.#pendingBytes = 0
    this.#send()
  }

  /** Flushes even if the lane is congested: for the last changes before closing. */
  drain(): void {
    this.#flushTimer?.cancel()
    this.#flushTimer = undefined
    if (!this.#closed && this.#sentSeq !== this.#cache.lastSeq) this.#send()
  }

  /** Sends a frame without samples, which shows that the writer is alive. */
  sendEmpty(): void {
    if (this.#closed) return
    this.#encoder.begin(this.#writer, this.#sentSeq, this.#components.clock.wallMs())
    this.#components.output.send(this.#encoder.finish())
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true
    this.#flushTimer?.cancel()
  }

  #flushAfter(delayMs: number): void {
    this.#flushTimer ??= this.#components.clock.after(delayMs, this.#flush)
  }

  #send(): void {
    const { clock, output } = this.#components
    const nowMs = clock.nowMs()
    const encoder = this.#encoder
    let mustPull = false
    encoder.begin(this.#writer, this.#sentSeq, clock.wallMs())
    for (const change of this.#cache.changesAfter(this.#sentSeq)) {
      const ageMs = nowMs - change.writtenMs
      if (!encoder.add(change, ageMs)) {
        if (encoder.count > 0) {
          output.send(encoder.finish())
          encoder.begin(this.#writer, this.#sentSeq, clock.wallMs())
        }
        if (!encoder.add(change, ageMs)) {
          if (!this.#sendLarge(change, ageMs)) mustPull = true
          encoder.begin(this.#writer, change.seq, clock.wallMs())
        }
      }
      this.#sentSeq = change.seq
    }
    if (encoder.count > 0) output.send(encoder.finish())
    this.#sentSeq = this.#cache.lastSeq
    // The beacon shows the readers what they lack, and they pull it.
    if (mustPull) output.announceNow()
    this.#onSent()
  }

  /** Sends the change in a frame of its own; the next frame follows it by number. */
  #sendLarge(change: Change, ageMs: number): boolean {
    const { participant, clock, counters, output } = this.#components
    counters.add('writer.large')
    const encoder = new SamplesEncoder(participant, change.valueLength + largeOverheadBytes)
    encoder.begin(this.#writer, this.#sentSeq, clock.wallMs())
    encoder.add(change, ageMs)
    return output.sendLarge(encoder.finish())
  }
}
