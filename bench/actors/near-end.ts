import type { Summary } from '../harness.js'
import { percentile } from '../harness.js'
import type { Link } from '../peers/link.js'
import { helloKey } from './far-end.js'
import { Kind, kindOf, newMessage, numberOf } from './message.js'

export interface PingOrder {
  readonly seconds: number
  readonly bytes: number
  /** Null: the next ping follows the echo of the last one at once. */
  readonly rateHz: number | null
}

export interface FloodOrder {
  readonly seconds: number
  readonly bytes: number
  /** Number of keys that messages take turns on. */
  readonly keys: number
  /** Messages in flight: sent, and not confirmed by the far end. A multiple of four batches. */
  readonly window: number
  /** Messages between two flushes. */
  readonly batch: number
}

export interface ConflateOrder {
  readonly seconds: number
  readonly bytes: number
  readonly keys: number
  /** Messages between two turns of the event loop. */
  readonly batch: number
}

const helloEveryMs = 50
const patienceMs = 30_000

/** Measures against a {@link FarEnd}. One measurement at a time. */
export class NearEnd {
  readonly #link: () => Link
  #onMessage: (message: Buffer) => void = () => undefined
  #conversation = 0

  constructor(link: () => Link) {
    this.#link = link
  }

  receive(message: Buffer): void {
    this.#onMessage(message)
  }

  /** Half round trips, in microseconds. */
  async ping({ seconds, bytes, rateHz }: PingOrder): Promise<Summary> {
    await this.#greet(1)
    const link = this.#link()
    const halves: number[] = []
    const endMs = performance.now() + seconds * 1000
    let number = 0
    let sentNs = 0n
    await this.#conversed('the echo of a ping', (done) => {
      const send = (): void => {
        const message = newMessage(Kind.ping, ++number, bytes)
        sentNs = process.hrtime.bigint()
        link.send(message, 0)
      }
      this.#onMessage = (message) => {
        if (kindOf(message) !== Kind.ping || numberOf(message) !== number) return
        const receivedNs = process.hrtime.bigint()
        halves.push(Number(receivedNs - sentNs) / 2000)
        if (performance.now() >= endMs) done()
        else if (rateHz === null) send()
        else setTimeout(send, 1000 / rateHz)
      }
      send()
    })
    return { median: percentile(halves, 0.5), p99: percentile(halves, 0.99) }
  }

  /** Messages per second, from the first send until the far end has confirmed the last one. */
  async flood({ seconds, bytes, keys, window, batch }: FloodOrder): Promise<number> {
    const confirmEvery = window / 4
    if (confirmEvery % batch !== 0) throw new Error('the window must be a multiple of four batches')
    await this.#greet(confirmEvery)
    const link = this.#link()
    const startMs = performance.now()
    let sent = 0
    let isOver = false
    await this.#conversed('the confirmation of what was sent', (done) => {
      let confirmed = 0
      const fill = (): void => {
        while (!isOver && sent < confirmed + window) {
          for (let count = 0; count < batch; count++, sent++) {
            link.send(newMessage(Kind.count, sent, bytes), sent % keys)
          }
          link.flush?.()
          isOver = sent % confirmEvery === 0 && performance.now() - startMs >= seconds * 1000
        }
      }
      this.#onMessage = (message) => {
        if (kindOf(message) !== Kind.confirmed) return
        confirmed = Math.max(confirmed, numberOf(message))
        if (confirmed === sent && isOver) done()
        else fill()
      }
      fill()
    })
    return sent / ((performance.now() - startMs) / 1000)
  }

  /**
   * Updates per second, as fast as they can be written, until the far end has the last one of every key. The link decides
   * how many of the others it delivers.
   */
  async conflate({ seconds, bytes, keys, batch }: ConflateOrder): Promise<number> {
    await this.#greet(1)
    const link = this.#link()
    const startMs = performance.now()
    let sent = 0
    await this.#conversed('the last states', (done) => {
      this.#onMessage = (message) => {
        if (kindOf(message) === Kind.confirmed) done()
      }
      const write = (): void => {
        for (let count = 0; count < batch; count++, sent++) {
          link.send(newMessage(Kind.state, sent, bytes, keys), sent % keys)
        }
        if (sent < keys || performance.now() - startMs < seconds * 1000) setImmediate(write)
        else link.send(newMessage(Kind.lastState, sent, bytes, keys), sent++ % keys)
      }
      write()
    })
    return sent / ((performance.now() - startMs) / 1000)
  }

  /** Resolves when the far end has answered: each receives from the other. */
  async #greet(confirmEvery: number): Promise<void> {
    const conversation = ++this.#conversation
    const hello = (): void => this.#link().send(newMessage(Kind.hello, conversation, undefined, confirmEvery), helloKey)
    const again = setInterval(hello, helloEveryMs)
    try {
      await this.#conversed('an answer to a hello', (done) => {
        this.#onMessage = (message) => {
          if (kindOf(message) === Kind.hello && numberOf(message) === conversation) done()
        }
        hello()
      })
    } finally {
      clearInterval(again)
    }
  }

  /** Rejects if `done` is not called for a long time, because a message was lost. */
  #conversed(what: string, converse: (done: () => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = setTimeout(() => reject(new Error(`waited ${patienceMs} ms in vain for ${what}`)), patienceMs)
      converse(() => {
        clearTimeout(giveUp)
        this.#onMessage = () => undefined
        resolve()
      })
    })
  }
}
