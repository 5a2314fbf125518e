import type { Random } from '../core/random.js'
import type { Clock, Timer } from '../core/time/clock.js'
import type { FrameHandler, Transport } from '../transport/lane/transport.js'

/** Datagrams that one turn of the event loop reads from a socket. */
const framesPerTurn = 32

/**
 * One participant's main loop on a clock that it shares with others: while it is blocked, its timers do not fire and
 * what arrives for it waits, as in a socket's buffer. Afterwards the seed decides whether timers or frames come first:
 * in a real process, that depends on the phase of the loop that was blocked.
 */
export class BlockableLoop implements Clock {
  readonly #clock: Clock
  readonly #random: Random
  readonly #timers: (() => void)[] = []
  readonly #frames: (() => void)[] = []
  #isBlocked = false
  #isReading = false
  #datagramsRead = 0

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  nowMs(): number {
    return this.#clock.nowMs()
  }
  wallMs(): number {
    return this.#clock.wallMs()
  }

  after(delayMs: number, fire: () => void): Timer {
    let cancelled = false
    const due = (): void => {
      if (cancelled) return
      if (this.#isBlocked) this.#timers.push(due)
      else fire()
    }
    const timer = this.#clock.after(delayMs, due)
    return {
      cancel: () => {
        cancelled = true
        timer.cancel()
      },
    }
  }

  /** Between a timer and the next turn the sockets are read once. */
  afterPoll(fire: () => void): Timer {
    return this.after(0, () => {
      this.#readTurn()
      fire()
    })
  }

  block(forMs: number): void {
    if (this.#isBlocked) return
    this.#isBlocked = true
    this.#clock.after(forMs, () => {
      this.#isBlocked = false
      const timersFirst = this.#random() < 0.5
      if (!timersFirst) this.#readTurn()
      for (const fire of this.#timers.splice(0)) fire()
      this.#readOn()
    })
  }

  /** Returns the same transport as this loop sees it. */
  through(transport: Transport): Transport {
    const { datagram, stream } = transport
    const datagramsRead = (): number => this.#datagramsRead
    const take =
      (handler: FrameHandler): FrameHandler =>
      (body, from) =>
        this.#arrive(() => handler(body, from))
    const taken = <T>(promise: Promise<T>): Promise<T> =>
      promise.then(
        (value) => new Promise((resolve) => this.#arrive(() => resolve(value))),
        (error) => new Promise((_, reject) => this.#arrive(() => reject(error))),
      )
    return {
      ...transport,
      close: () => transport.close(),
      datagram: overlay(datagram, {
        join: (group, handler) =>
          datagram.join(
            group,
            take((body, from) => {
              this.#datagramsRead++
              handler(body, from)
            }),
          ),
        get received() {
          return datagramsRead()
        },
      }),
      stream: overlay(stream, {
        serve: (handler) =>
          stream.serve((request) => taken(Promise.resolve(request)).then((waited) => handler(waited))),
        request: (...args) => taken(stream.request(...args)),
        subscribe: (endpoint, group, handler) => stream.subscribe(endpoint, group, take(handler)),
      }),
    }
  }

  #arrive(take: () => void): void {
    if (!this.#isBlocked && this.#frames.length === 0) take()
    else this.#frames.push(take)
  }

  #readTurn(): void {
    if (this.#isBlocked) return
    for (const take of this.#frames.splice(0, framesPerTurn)) take()
  }

  #readOn(): void {
    if (this.#isReading || this.#frames.length === 0) return
    this.#isReading = true
    this.#clock.after(0, () => {
      this.#isReading = false
      this.#readTurn()
      if (!this.#isBlocked) this.#readOn()
    })
  }
}

/** `target`, with some of its methods replaced. */
function overlay<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(of, name) {
      if (name in methods) return Reflect.get(methods, name)
      const value: unknown = Reflect.get(of, name, of)
      return typeof value === 'function' ? value.bind(of) : value
    },
  })
}
