import { LinkedSet } from '../core/linked-set.js'
import { copySample, type HeldSample, type Instance } from './instance.js'

export interface SampleQueueOptions {
  /** Values kept per instance; Infinity: all that the limits allow. */
  readonly depth: number
  /** Values over all instances. */
  readonly maxSamples: number
  /** Values of one instance. */
  readonly maxSamplesPerInstance: number
}

/** The limit that is reached. */
export type SampleLimit = 'maxSamples' | 'maxSamplesPerInstance'

/**
 * Holds the samples that a reader has not taken yet, per instance, oldest first. DDS's `read` and `take` return these.
 *
 * At depth 1 it holds no samples of its own. An instance's one sample is the shown one, rewritten in place, and a flag
 * marks it as not taken. Instances with waiting samples are tracked only from the first {@link waiting} on, so that
 * readers that never take do not pay for it.
 */
export class SampleQueue {
  readonly #options: SampleQueueOptions
  #size = 0
  #waiting: LinkedSet<Instance> | undefined
  #unread: LinkedSet<Instance> | undefined

  constructor(options: SampleQueueOptions) {
    this.#options = options
  }

  /** Number of values and ends that wait. */
  get size(): number {
    return this.#size
  }
  get hasHistory(): boolean {
    return this.#options.depth > 1
  }

  /** Returns the limit that keeps a further value of the instance out; undefined if there is room. */
  limitOf(instance: Instance | undefined): SampleLimit | undefined {
    const { depth, maxSamples, maxSamplesPerInstance } = this.#options
    const held = instance === undefined ? 0 : this.countOf(instance)
    if (held >= depth) return undefined // it takes the oldest one's place
    if (held >= maxSamplesPerInstance) return 'maxSamplesPerInstance'
    return this.#size >= maxSamples ? 'maxSamples' : undefined
  }

  /** Returns how many values of the instance wait. */
  countOf(instance: Instance): number {
    return this.hasHistory ? instance.valueCount : Number(instance.isWaiting)
  }

  /** Adds a change of what the instance shows: with `isWritten` a new sample, otherwise only its state. */
  push(instance: Instance, isWritten: boolean): HeldSample {
    const held = this.hasHistory ? this.#append(instance, isWritten) : this.#markUnread(instance, isWritten)
    this.#waiting?.add(instance)
    this.#unread?.add(instance)
    return held
  }

  /** Adds a sample that was never the current one of its instance. */
  pushNonCurrent(instance: Instance, held: HeldSample): void {
    this.#enqueue(instance, held)
    this.#waiting?.add(instance)
    this.#unread?.add(instance)
  }

  /**
   * Returns the instances with waiting samples, the longest waiting first. With `unread` only samples that were not
   * read yet count.
   */
  waiting(all: Iterable<Instance>, unread: boolean): Iterable<Instance> {
    if (this.#waiting === undefined || this.#unread === undefined) {
      this.#waiting = new LinkedSet()
      this.#unread = new LinkedSet()
      for (const instance of all) {
        if (!this.#hasAny(instance)) continue
        this.#waiting.add(instance)
        this.#unread.add(instance)
      }
    }
    return unread ? this.#unread : this.#waiting
  }

  /** Oldest first. The sample just yielded may be taken meanwhile. */
  samplesOf(instance: Instance): Iterable<HeldSample> {
    if (this.hasHistory) return instance.history ?? none
    return instance.isWaiting ? [instance.shown] : none
  }

  /** Updates what is unread. Call it after samples of the instance have been marked as read. */
  updateUnread(instance: Instance): void {
    if (this.#unread === undefined) return
    if (!this.#hasAny(instance)) this.#waiting?.delete(instance)
    if (!this.#unread.has(instance)) return
    for (const { read } of this.samplesOf(instance)) if (!read) return
    this.#unread.delete(instance)
  }

  /** Removes a sample. Returns false if it was taken already, or has made room for newer samples. */
  take(instance: Instance, held: HeldSample): boolean {
    if (this.hasHistory) {
      if (!this.#drop(instance, held)) return false
    } else {
      if (!instance.isWaiting || instance.shown !== held) return false
      instance.isWaiting = false
      this.#size--
    }
    held.read = true
    this.updateUnread(instance)
    return true
  }

  /** Drops the samples of a forgotten instance. Returns how many values were never read. */
  removeInstance(instance: Instance): number {
    let unread = 0
    for (const held of this.samplesOf(instance)) {
      if (held.validData && !held.read) unread++
      this.take(instance, held)
    }
    return unread
  }

  /** Drops values older than `writtenBeforeMs` on this process's clock. Returns how many. */
  expire(instance: Instance, writtenBeforeMs: number): number {
    let dropped = 0
    for (const held of this.samplesOf(instance)) {
      if (held.validData && held.originTimeMs < writtenBeforeMs && this.take(instance, held)) dropped++
    }
    return dropped
  }

  #markUnread(instance: Instance, isWritten: boolean): HeldSample {
    const { shown } = instance
    if (!isWritten && (shown.read || !instance.isWaiting)) shown.validData = false
    shown.read = false
    if (!instance.isWaiting) {
      instance.isWaiting = true
      this.#size++
    }
    return shown
  }

  #append(instance: Instance, isWritten: boolean): HeldSample {
    const held = isWritten ? instance.shown : noticeOf(instance.shown)
    this.#enqueue(instance, held)
    return held
  }

  /** One notice of a changed state is enough, because a read shows the present state. */
  #enqueue(instance: Instance, held: HeldSample): void {
    instance.history ??= new LinkedSet()
    const { history } = instance
    const { last } = history
    if (!held.validData && last !== undefined && !last.validData) this.#drop(instance, last)
    history.add(held)
    this.#size++
    if (held.validData) instance.valueCount++
    while (instance.valueCount > this.#options.depth && history.first !== undefined) this.#drop(instance, history.first)
  }

  #drop(instance: Instance, held: HeldSample): boolean {
    if (instance.history?.delete(held) !== true) return false
    this.#size--
    if (held.validData) instance.valueCount--
    return true
  }

  #hasAny(instance: Instance): boolean {
    return this.hasHistory ? (instance.history?.size ?? 0) > 0 : instance.isWaiting
  }
}

const none: readonly HeldSample[] = Object.freeze([])

/** Returns a notice that the instance's state has changed, with the last value. */
function noticeOf(shown: HeldSample): HeldSample {
  const notice = copySample(shown)
  notice.validData = false
  notice.read = false
  return notice
}
