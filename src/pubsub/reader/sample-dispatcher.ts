import type { HeldSample, Instance } from '../../cache/instance.js'
import type { Counters } from '../../core/counters.js'
import { Listeners, type Subscription } from '../../core/listeners.js'
import { type DropPolicy, Mailbox } from '../../core/mailbox.js'
import type { Sample } from '../model/sample.js'

export interface SampleDispatcherComponents<T> {
  readonly counters: Counters
  readonly mailboxCapacity: number
  readonly mailboxDrop: DropPolicy
  /** Each sample is handed out; otherwise a slow consumer gets each instance's latest. */
  readonly everySample: boolean
  /** What an instance shows is made a sample for the user; undefined: it has nothing to show. */
  readonly hand: (instance: Instance, held: HeldSample, hasArrived: boolean) => Sample<T> | undefined
  /** Listeners, or an iteration, have been handed the sample. */
  readonly handedOut: (instance: Instance, held: HeldSample) => void
  /** A full mailbox cost the sample. */
  readonly dropped: (instance: Instance, held: HeldSample) => void
}

interface Post {
  readonly instance: Instance
  readonly held: HeldSample
}

/** Those who follow a reader: listeners, called at once, and iterations, each with a bounded mailbox of its own. */
export class SampleDispatcher<T extends object> {
  readonly #components: SampleDispatcherComponents<T>
  readonly #listeners: Listeners<Sample<T>>
  readonly #mailboxes = new Set<Mailbox<Post>>()
  #closed = false

  constructor(components: SampleDispatcherComponents<T>) {
    this.#components = components
    this.#listeners = new Listeners(components.counters, 'reader.listener-threw')
  }

  listen(listener: (sample: Sample<T>) => void): Subscription {
    return this.#listeners.add(listener)
  }

  emit(instance: Instance, held: HeldSample, hasArrived: boolean): void {
    if (this.#mailboxes.size > 0) for (const mailbox of this.#mailboxes) this.#post(mailbox, { instance, held })
    if (this.#listeners.size === 0) return
    const sample = this.#components.hand(instance, held, hasArrived)
    if (sample !== undefined) this.#listeners.emit(sample)
    this.#components.handedOut(instance, held)
  }

  /** Begins with `first`, then hands out what is emitted from now on. */
  iterate(first: Iterable<Post>): AsyncIterator<Sample<T>> {
    const { mailboxCapacity, mailboxDrop, everySample, hand, handedOut, dropped } = this.#components
    const mailbox = new Mailbox<Post>({
      capacity: mailboxCapacity,
      drop: mailboxDrop,
      onDrop: ({ instance, held }) => dropped(instance, held),
      ...(everySample ? {} : { conflateBy: ({ instance }) => instance }),
    })
    for (const post of first) this.#post(mailbox, post)
    if (this.#closed) mailbox.close()
    else this.#mailboxes.add(mailbox)
    return {
      next: async () => {
        for (;;) {
          const result = await mailbox.next()
          if (result.done === true) return result
          const { instance } = result.value
          const held = everySample ? result.value.held : instance.shown
          const value = hand(instance, held, false)
          handedOut(instance, held)
          if (value !== undefined) return { done: false, value }
        }
      },
      return: () => {
        this.#mailboxes.delete(mailbox)
        mailbox.close()
        return Promise.resolve({ done: true, value: undefined })
      },
    }
  }

  /** Ends what is open. */
  close(): void {
    this.#closed = true
    for (const mailbox of this.#mailboxes) mailbox.close()
    this.#mailboxes.clear()
    this.#listeners.clear()
  }

  #post(mailbox: Mailbox<Post>, post: Post): void {
    const { dropped, conflated } = mailbox
    mailbox.push(post)
    if (mailbox.conflated > conflated) this.#components.counters.add('reader.mailbox-conflated')
    if (mailbox.dropped > dropped) this.#components.counters.add('reader.mailbox-dropped')
  }
}
