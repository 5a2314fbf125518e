import type { HeldSample, Instance } from '../../cache/instance.js'
import { type DropPolicy, Mailbox } from '../../core/mailbox.js'
import type { Counters } from '../../core/reporting/counters.js'
import { Listeners, type Subscription } from '../../core/reporting/listeners.js'
import type { Sample } from '../model/sample.js'
import type { CopyView } from './reader-copy.js'

/** Makes samples of what a reader holds; `ReaderFeed` does. */
export interface SampleSource<T> {
  sampleOf(instance: Instance, held: HeldSample, hasArrived: boolean): Sample<T>
  /** Listeners, or an iteration, have received the sample. */
  onDelivered(instance: Instance, held: HeldSample): void
  /** A full mailbox dropped the sample. */
  dropped(instance: Instance, held: HeldSample): void
}

export interface SampleDispatcherComponents<T> {
  readonly counters: Counters
  readonly source: SampleSource<T>
  readonly mailboxCapacity: number
  readonly mailboxDrop: DropPolicy
  /** Each sample is handed out; otherwise a slow consumer gets each instance's latest. */
  readonly everySample: boolean
}

interface QueuedSample {
  readonly instance: Instance
  readonly held: HeldSample
}

/** Hands changes to a reader's consumers: listeners at once, and iterations, each through a bounded mailbox. */
export class SampleDispatcher<T extends object> implements CopyView {
  readonly #components: SampleDispatcherComponents<T>
  readonly #listeners: Listeners<Sample<T>>
  readonly #mailboxes = new Set<Mailbox<QueuedSample>>()
  #closed = false

  constructor(components: SampleDispatcherComponents<T>) {
    this.#components = components
    this.#listeners = new Listeners(components.counters, 'reader.listener-threw')
  }

  listen(listener: (sample: Sample<T>) => void): Subscription {
    return this.#listeners.add(listener)
  }

  viewChanged(instance: Instance, held: HeldSample, hasArrived: boolean): void {
    if (this.#mailboxes.size > 0) for (const mailbox of this.#mailboxes) this.#post(mailbox, { instance, held })
    if (this.#listeners.size === 0) return
    const { source } = this.#components
    this.#listeners.emit(source.sampleOf(instance, held, hasArrived))
    source.onDelivered(instance, held)
  }

  /** Iterates over `first`, then over what changes from now on. Ends with the reader, or when the signal aborts. */
  iterate(first: Iterable<QueuedSample>, signal: AbortSignal | undefined): AsyncIterableIterator<Sample<T>> {
    const mailbox = this.#open(first)
    const end = (): void => {
      this.#mailboxes.delete(mailbox)
      mailbox.close()
      signal?.removeEventListener('abort', end)
    }
    if (signal?.aborted === true) end()
    else signal?.addEventListener('abort', end, { once: true })
    const iterator: AsyncIterableIterator<Sample<T>> = {
      next: async () => {
        if (signal?.aborted === true) return { done: true, value: undefined }
        const result = await mailbox.next()
        if (result.done !== true) return { done: false, value: this.#sampleOf(result.value) }
        end()
        return result
      },
      return: () => {
        end()
        return Promise.resolve({ done: true, value: undefined })
      },
      [Symbol.asyncIterator]: () => iterator,
    }
    return iterator
  }

  /** Ends the iterations. */
  close(): void {
    this.#closed = true
    for (const mailbox of this.#mailboxes) mailbox.close()
    this.#mailboxes.clear()
    this.#listeners.clear()
  }

  #open(first: Iterable<QueuedSample>): Mailbox<QueuedSample> {
    const { mailboxCapacity, mailboxDrop, everySample, source } = this.#components
    const mailbox = new Mailbox<QueuedSample>({
      capacity: mailboxCapacity,
      drop: mailboxDrop,
      onDrop: ({ instance, held }) => source.dropped(instance, held),
      ...(everySample ? {} : { conflateBy: ({ instance }) => instance }),
    })
    for (const post of first) this.#post(mailbox, post)
    if (this.#closed) mailbox.close()
    else this.#mailboxes.add(mailbox)
    return mailbox
  }

  #sampleOf(post: QueuedSample): Sample<T> {
    const { everySample, source } = this.#components
    const { instance } = post
    const held = everySample ? post.held : instance.shown
    const sample = source.sampleOf(instance, held, false)
    source.onDelivered(instance, held)
    return sample
  }

  #post(mailbox: Mailbox<QueuedSample>, post: QueuedSample): void {
    const { conflated, dropped } = mailbox
    mailbox.push(post)
    if (mailbox.conflated > conflated) this.#components.counters.add('reader.mailbox-conflated')
    if (mailbox.dropped > dropped) this.#components.counters.add('reader.mailbox-dropped')
  }
}
