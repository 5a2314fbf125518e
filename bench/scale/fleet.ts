import { setTimeout as delay } from 'node:timers/promises'
import { lockDomain } from '../../test/support/domain-lock.js'
import { Actor } from '../actors/actor.js'
import type { CollectorCalls } from './collector.js'
import type { ObserverCalls } from './observer.js'
import type { WorkersCalls } from './workers.js'

/** Workers that share a process: a thousand processes would not fit. */
export const processWorkers = 10
/** As many NUMA nodes as a large machine has. */
const maxZones = 8
const startingAtOnce = 8
const patienceMs = 180_000

type Calls = Record<string, (argument: never) => unknown>

/** A whole plane on this host: zones with their collectors, workers, an observer of the plane, and a bystander. */
export class BenchFleet {
  readonly #domain: number
  readonly #release: () => Promise<void>
  readonly #open: Pick<Actor<Calls>, 'close'>[] = []
  readonly #collectors: Actor<CollectorCalls>[] = []
  readonly #parts: Actor<WorkersCalls>[] = []

  private constructor(domain: number, release: () => Promise<void>) {
    this.#domain = domain
    this.#release = release
  }

  static async claim(): Promise<BenchFleet> {
    const { domain, release } = await lockDomain()
    return new BenchFleet(domain, release)
  }

  get collectors(): readonly Actor<CollectorCalls>[] {
    return this.#collectors
  }

  /** Processes of {@link processWorkers} workers each. */
  get parts(): readonly Actor<WorkersCalls>[] {
    return this.#parts
  }

  get workers(): number {
    return this.#parts.length * processWorkers
  }

  observer(role: 'plane' | 'bystander'): Promise<Actor<ObserverCalls>> {
    return this.#start('observer.js', role)
  }

  /** As a process of workers, without any. */
  emptyPart(): Promise<Actor<WorkersCalls>> {
    return this.#start('workers.js', 0, 0, 0)
  }

  /** Starts collectors and at least that number of workers. They have joined, but the observer may not know them yet. */
  async open(workers: number): Promise<void> {
    const processes = Math.ceil(workers / processWorkers)
    const zones = Math.min(maxZones, processes)
    for (let zone = 0; zone < zones; zone++) {
      this.#collectors.push(await this.#start<CollectorCalls>('collector.js', zone))
    }
    await Promise.all(this.#collectors.map((actor) => actor.call('open', undefined)))
    while (this.#parts.length < processes) {
      const batch = Math.min(startingAtOnce, processes - this.#parts.length)
      const started = Array.from({ length: batch }, async (_, index) => {
        const number = this.#parts.length + index
        const first = number * processWorkers
        const actor = await this.#start<WorkersCalls>('workers.js', number % zones, first, processWorkers)
        await actor.call('open', undefined)
        return actor
      })
      this.#parts.push(...(await Promise.all(started)))
    }
  }

  /** Waits until the observer of the plane sees all workers alive. @throws Error when it does not in three minutes */
  async allAlive(plane: Actor<ObserverCalls>): Promise<void> {
    const givenUpMs = performance.now() + patienceMs
    for (;;) {
      const alive = await plane.call('alive', undefined)
      if (alive === this.workers) return
      if (performance.now() > givenUpMs)
        throw new Error(`only ${alive} of ${this.workers} workers are known to be alive`)
      await delay(200)
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map((actor) => actor.close()))
    await this.#release()
  }

  async #start<C extends Record<keyof C, (argument: never) => unknown>>(
    file: string,
    ...args: (number | string)[]
  ): Promise<Actor<C>> {
    const actor = await Actor.start<C>(`../scale/${file}`, [String(this.#domain), ...args.map(String)], {
      execArgv: ['--expose-gc'],
    })
    this.#open.push(actor)
    return actor
  }
}
