import type { Link } from '../peers/link.js'
import { LastStates } from './last-states.js'
import { Ledger } from './ledger.js'
import { detailOf, Kind, kindOf, newMessage, numberOf } from './message.js'

/** Keys that are not measured. A peer that conflates by key must not conflate these with counted messages. */
export const helloKey = -1
const confirmedKey = -2

/** Echoes pings, and confirms what it has counted. */
export class FarEnd {
  readonly #link: () => Link
  #ledger = new Ledger()
  #states = new LastStates()
  #conversation = 0
  #confirmEvery = 1

  constructor(link: () => Link) {
    this.#link = link
  }

  receive(message: Buffer): void {
    const number = numberOf(message)
    switch (kindOf(message)) {
      case Kind.ping:
        this.#link().send(Buffer.from(message), 0)
        break
      case Kind.hello:
        this.#greet(number, detailOf(message))
        break
      case Kind.count:
        this.#ledger.enter(number)
        if (this.#ledger.complete % this.#confirmEvery === 0) {
          this.#link().send(newMessage(Kind.confirmed, this.#ledger.complete), confirmedKey)
        }
        break
      case Kind.state:
      case Kind.lastState:
        this.#states.enter(number, detailOf(message), kindOf(message) === Kind.lastState)
        if (this.#states.isComplete) this.#link().send(newMessage(Kind.confirmed, number), confirmedKey)
        break
    }
  }

  /** The near end sends hello until it is answered, so the same hello may arrive twice. */
  #greet(conversation: number, confirmEvery: number): void {
    if (conversation !== this.#conversation) {
      this.#ledger = new Ledger()
      this.#states = new LastStates()
    }
    this.#conversation = conversation
    this.#confirmEvery = confirmEvery
    this.#link().send(newMessage(Kind.hello, conversation), helloKey)
  }
}
