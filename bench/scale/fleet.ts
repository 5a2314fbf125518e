import { setTimeout as delay } from 'node:timers/promises'
import type { MemberProcess } from '../../src/testing/processes/member-process.js'
import { ProcessFleet } from '../../src/testing/processes/process-fleet.js'
import { lockDomain } from '../../test/support/domain-lock.js'
import { Actor } from '../actors/actor.js'
import type { ObserverCalls } from './observer.js'

/** Workers that share a process: a thousand processes would not fit. */
export const processWorkers = 10
/** As many NUMA nodes as a large machine has. */
const maxZones = 8
const startingAtOnce = 8
const patienceMs = 180_000

/** Live memory is measured after a garbage collection. */
const nodeOptions = ['--expose-gc']

/** A whole plane on this host: zones with their collectors, workers, an observer of the plane, and a bystander. */
export class BenchFleet {
  readonly #fleet: ProcessFleet
  readonly #release: () => Promise<void>
  readonly #observers: Actor<ObserverCalls>[] = []
  readonly #collectors: MemberProcess[] = []
  readonly #parts: MemberProcess[] = []

  private constructor(domain: number, release: () => Promise<void>) {
    this.#fleet = new ProcessFleet(domain)
    this.#release = release
  }

  static async claim(): Promise<BenchFleet> {
    const { domain, release } = await lockDomain()
    return new BenchFleet(domain, release)
  }

  get collectors(): readonly MemberProcess[] {
    return this.#collectors
  }

  /** Processes of {@link processWorkers} workers each. */
  get parts(): readonly MemberProcess[] {
    return this.#parts
  }

  get workers(): number {
    return this.#parts.length * processWorkers
  }

  async observer(role: 'plane' | 'bystander'): Promise<Actor<ObserverCalls>> {
    const args = [String(this.#fleet.domain), role]
    const observer = await Actor.start<ObserverCalls>('../scale/observer.js', args, { execArgv: nodeOptions })
    this.#observers.push(observer)
    return observer
  }

  /** As a process of workers, without any. */
  emptyPart(): Promise<MemberProcess> {
    return this.#workers([], 0)
  }

  /** Starts collectors and at least that number of workers. They have joined, but the observer may not know them yet. */
  async open(workers: number): Promise<void> {
    const processes = Math.ceil(workers / processWorkers)
    const zones = Math.min(maxZones, processes)
    for (let numaNode = 0; numaNode < zones; numaNode++) {
      const spec = { name: `collector ${numaNode}`, numaNode, zone: 'idle', orphaned: 'leave' } as const
      this.#collectors.push(await this.#fleet.collector(spec, { nodeOptions }))
    }
    while (this.#parts.length < processes) {
      const batch = Math.min(startingAtOnce, processes - this.#parts.length)
      const started = Array.from({ length: batch }, (_, index) => {
        const part = this.#parts.length + index
        const workerIds = Array.from({ length: processWorkers }, (_, worker) => `w${part * processWorkers + worker}`)
        return this.#workers(workerIds, part % zones)
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
    await Promise.all([this.#fleet.close(), ...this.#observers.map((observer) => observer.close())])
    await this.#release()
  }

  #workers(workerIds: readonly string[], numaNode: number): Promise<MemberProcess> {
    return this.#fleet.workers(workerIds, { numaNode, orphaned: 'leave' }, { nodeOptions })
  }
}
