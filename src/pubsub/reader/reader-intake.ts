import { type Arrival, arrivalNow } from '../../cache/instance.js'
import { ReorderBuffer } from '../../cache/reorder-buffer.js'
import type { EntityGuid, Seq } from '../../core/ids.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Clock } from '../../core/time/clock.js'
import { Durability, Reliability } from '../../qos/policies.js'
import type { ResolvedQos } from '../../qos/qos.js'
import type { SamplesHead, WireSample } from '../../wire/samples.js'
import { LostReason, RejectedReason } from '../model/events.js'
import type { Topic } from '../model/topic.js'
import { changeOf, tokenOf } from './incoming-change.js'
import type { ReaderCopy } from './reader-copy.js'
import type { ReaderStatus } from './reader-status.js'
import { SampleValidator, unvalidated } from './sample-validator.js'
import type { WriterProxy } from './writer-proxy.js'

/** Continues a writer's changes; `ReaderConnection` does. */
export interface WriterResumer {
  /** Requests what the writer has beyond the token, because there is room again. */
  resume(writer: EntityGuid): void
}

export interface ReaderIntakeComponents<T> {
  readonly clock: Clock
  readonly counters: Counters
  readonly status: ReaderStatus
  readonly copy: ReaderCopy
  readonly topic: Topic<T>
  readonly qos: ResolvedQos
  readonly filter: ((value: T) => boolean) | undefined
  readonly keyFilter: ((key: string) => boolean) | undefined
  readonly resumer: WriterResumer
}

interface WaitingFrame {
  readonly head: SamplesHead
  readonly samples: readonly WireSample[]
}

interface Block {
  readonly key: string
  readonly reason: RejectedReason
}

/**
 * Takes writers' changes into the copy: checked, in the right order, and no more than there is room for. Keeps each
 * writer's token exact: it covers what was taken in, and nothing else.
 *
 * At depth 1 the order of frames does not matter, because each instance remembers its owner and number. A reliable
 * reader with a history takes the samples in order: a frame beyond a gap waits until the gap is repaired.
 */
export class ReaderIntake<T extends object> {
  readonly #components: ReaderIntakeComponents<T>
  readonly #validator: SampleValidator<T>
  readonly #isReliable: boolean
  readonly #isOrdered: boolean
  readonly #hasHistory: boolean
  readonly #isVolatile: boolean
  readonly #waiting = new Map<WriterProxy, ReorderBuffer<WaitingFrame>>()
  readonly #blocked = new Map<WriterProxy, Block>()
  /** Why the last sample was refused. */
  #refusal: Block | undefined

  constructor(components: ReaderIntakeComponents<T>) {
    const { topic, filter, keyFilter, counters } = components
    this.#components = components
    this.#validator = new SampleValidator({ topic, filter, keyFilter, counters })
    this.#isReliable = components.qos.reliability === Reliability.reliable
    this.#hasHistory = components.copy.queue.hasHistory
    this.#isVolatile = components.qos.durability === Durability.volatile
    this.#isOrdered = this.#hasHistory && this.#isReliable
  }

  /** Takes a frame of live changes. */
  live(proxy: WriterProxy, head: SamplesHead, samples: readonly WireSample[]): void {
    const last = samples.at(-1)
    if (last === undefined) return
    const { progress } = proxy
    if (!this.#isOrdered) this.#takeUnordered(proxy, head, samples, last.seq)
    else if (!proxy.started && this.#isVolatile) this.#startVolatile(proxy, head, samples, last.seq)
    else if (proxy.blocked) progress.announce(last.seq)
    else if (!proxy.started || head.prevSeq > progress.appliedSeq) {
      progress.announce(last.seq)
      this.#waitingOf(proxy).add(head.prevSeq, last.seq, samples.length, { head, samples })
    } else {
      this.#takeOrdered(proxy, head, samples, last.seq)
      this.drain(proxy)
    }
  }

  /**
   * Takes the changes of a catch-up reply; the caller moves the token. Returns the first number for which there was no
   * room. The token stays below it, and the rest is requested when there is room.
   */
  caughtUp(proxy: WriterProxy, head: SamplesHead, samples: readonly WireSample[]): Seq | undefined {
    if (proxy.blocked && this.#isOrdered) return samples[0]?.seq
    const arrival = arrivalNow(this.#components.clock)
    let refusedSeq: Seq | undefined
    // Live frames that came during the request have settled these: taken, or reported as lost or rejected.
    const settledSeq =
      this.#isReliable || proxy.bootstrap !== undefined || !proxy.started ? 0 : proxy.progress.appliedSeq
    for (const sample of samples) {
      if (sample.seq <= settledSeq) continue
      const isTaken = this.#applySample(proxy, head, sample, arrival)
      // An instance that is not held has no end to infer, and there may be any number of them.
      if (this.#components.copy.table.get(sample.key) !== undefined) proxy.bootstrap?.seen.add(sample.key)
      if (isTaken || !this.#isReliable) continue
      refusedSeq ??= sample.seq
      if (this.#isOrdered) break
    }
    if (refusedSeq !== undefined) this.#block(proxy)
    return refusedSeq
  }

  /** With a history: counts the numbers of a repair whose values were overwritten. */
  countOverwritten(proxy: WriterProxy, after: Seq, to: Seq, samples: readonly WireSample[]): void {
    if (!this.#hasHistory || !proxy.started) return
    let received = 0
    for (const { seq, valueSeq } of samples) {
      if (seq > after && seq <= to) received++
      // The number of an unregistered value has moved.
      if (valueSeq < seq && valueSeq > after) received++
    }
    this.#components.status.lost(proxy.guid, to - after - received, LostReason.overwritten)
  }

  /** The token has moved: frames that waited for that continue. */
  drain(proxy: WriterProxy): void {
    const waiting = this.#waiting.get(proxy)
    if (waiting === undefined || !proxy.started) return
    while (!proxy.blocked) {
      const next = waiting.shift(proxy.progress.appliedSeq)
      if (next === undefined) break
      const lastSeq = next.samples.at(-1)?.seq ?? 0
      if (lastSeq > proxy.progress.appliedSeq) this.#takeOrdered(proxy, next.head, next.samples, lastSeq)
    }
    if (waiting.samples === 0 || proxy.blocked) this.#waiting.delete(proxy)
  }

  /** Samples have been taken, or forgotten: writers that were stopped go on. */
  roomMade(): void {
    for (const [proxy, { key, reason }] of this.#blocked) {
      if (!this.#components.copy.hasRoomAgain(key, reason)) continue
      this.#blocked.delete(proxy)
      proxy.blocked = false
      this.#components.resumer.resume(proxy.guid)
    }
  }

  /** The writer has gone: frames beyond a gap are handed out, and the gap itself is lost. */
  forgetWriter(proxy: WriterProxy): void {
    const { status } = this.#components
    const { progress } = proxy
    const waiting = this.#waiting.get(proxy)
    this.#waiting.delete(proxy)
    if (proxy.started) {
      for (let next = waiting?.shift(Infinity); next !== undefined && !proxy.blocked; next = waiting?.shift(Infinity)) {
        status.lost(proxy.guid, progress.skipTo(next.head.prevSeq), LostReason.writerGone)
        const lastSeq = next.samples.at(-1)?.seq ?? 0
        if (lastSeq > progress.appliedSeq) this.#takeOrdered(proxy, next.head, next.samples, lastSeq)
      }
      status.lost(proxy.guid, progress.missing, LostReason.writerGone)
    }
    this.#blocked.delete(proxy)
  }

  #takeUnordered(proxy: WriterProxy, head: SamplesHead, samples: readonly WireSample[], lastSeq: Seq): void {
    const { progress } = proxy
    const { appliedSeq } = progress
    const arrival = arrivalNow(this.#components.clock)
    let refusedSeq: Seq | undefined
    for (const sample of samples) {
      if (sample.seq <= appliedSeq) this.#components.counters.add('reader.duplicate')
      else if (!this.#applySample(proxy, head, sample, arrival)) refusedSeq ??= sample.seq
    }
    if (!this.#isReliable) {
      // Best effort repairs nothing: missed changes are reported as lost, and the token goes on.
      if (proxy.started) this.#components.status.lost(proxy.guid, progress.skipTo(head.prevSeq), LostReason.gap)
      progress.receive(head.prevSeq, lastSeq)
    } else if (refusedSeq !== undefined || proxy.blocked) {
      progress.announce(lastSeq)
      if (refusedSeq === undefined) return
      if (!proxy.blocked && head.prevSeq <= progress.appliedSeq) progress.advanceTo(refusedSeq - 1)
      this.#block(proxy)
    } else progress.receive(head.prevSeq, lastSeq)
  }

  #takeOrdered(proxy: WriterProxy, head: SamplesHead, samples: readonly WireSample[], lastSeq: Seq): void {
    const { progress } = proxy
    const { appliedSeq } = progress
    const arrival = arrivalNow(this.#components.clock)
    for (const sample of samples) {
      if (sample.seq <= appliedSeq) this.#components.counters.add('reader.duplicate')
      else if (!this.#applySample(proxy, head, sample, arrival)) {
        progress.announce(lastSeq)
        progress.advanceTo(sample.seq - 1)
        this.#block(proxy)
        break
      }
    }
    if (!proxy.blocked) progress.receive(head.prevSeq, lastSeq)
    this.countOverwritten(proxy, appliedSeq, progress.appliedSeq, samples)
  }

  /** A volatile reader begins with the first frame; earlier changes are not due to it. */
  #startVolatile(proxy: WriterProxy, head: SamplesHead, samples: readonly WireSample[], lastSeq: Seq): void {
    proxy.progress.advanceTo(head.prevSeq)
    proxy.started = true
    this.#takeOrdered(proxy, head, samples, lastSeq)
  }

  #waitingOf(proxy: WriterProxy): ReorderBuffer<WaitingFrame> {
    let waiting = this.#waiting.get(proxy)
    if (waiting === undefined) {
      waiting = new ReorderBuffer()
      this.#waiting.set(proxy, waiting)
    }
    return waiting
  }

  #block(proxy: WriterProxy): void {
    if (this.#refusal === undefined) return
    if (!this.#blocked.has(proxy)) this.#blocked.set(proxy, this.#refusal)
    proxy.blocked = true
    this.#refusal = undefined
  }

  /** Returns false when there is no room. Any other outcome is counted and reported here. */
  #applySample(proxy: WriterProxy, head: SamplesHead, sample: WireSample, arrival: Arrival): boolean {
    const concern = this.#validator.acceptsKey(sample.key)
    if (concern !== true) {
      if (concern !== false) this.#components.status.rejected(proxy.guid, sample.key, RejectedReason.filter, concern)
      return true
    }
    if (sample.valueSeq < sample.seq) return this.#applyUnregistration(proxy, head, sample, arrival)
    return this.#admit(proxy, head, sample, arrival)
  }

  /** The writer unregisters the instance: the sample repeats its last value, for readers that lack it. */
  #applyUnregistration(proxy: WriterProxy, head: SamplesHead, sample: WireSample, arrival: Arrival): boolean {
    const { copy } = this.#components
    const instance = copy.table.get(sample.key)
    // A reader that was not there while the instance was alive has not lost it.
    if (instance === undefined && (proxy.bootstrap !== undefined || !proxy.started)) return true
    const { current } = instance ?? {}
    const token = tokenOf(proxy, sample)
    const isHeld = current?.owner === token.writer && current.seq >= token.seq
    if (!isHeld && !this.#admit(proxy, head, sample, arrival)) return false
    copy.unregister(sample.key, proxy.guid, sample.seq, arrival)
    return true
  }

  #admit(proxy: WriterProxy, head: SamplesHead, sample: WireSample, arrival: Arrival): boolean {
    const { counters, status, copy, qos } = this.#components
    const { lifespanMs } = qos
    if (lifespanMs !== null && !sample.disposed && sample.ageMs > lifespanMs) {
      counters.add('reader.expired')
      return true
    }
    const validated = sample.disposed ? unvalidated : this.#validator.validate(sample, proxy.info.fields)
    if ('refused' in validated) {
      status.rejected(proxy.guid, sample.key, validated.refused, validated.detail)
      return true
    }
    const change = changeOf(proxy, head, sample, validated.value, validated.outOfView, arrival.nowMs)
    const reason = copy.apply(change, arrival)
    if (reason === undefined) return true
    status.rejected(proxy.guid, sample.key, reason, 'the reader has no room for it')
    this.#refusal = { key: sample.key, reason }
    return false
  }
}
