import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { lockDomain } from '../../test/support/domain-lock.js'
import { endChild, spawnChild } from '../children.js'
import type { JobQueue } from './job-queue.js'
import type { MemoryGroup } from './memory-group.js'
import type { FromWorker, JobShape, ToWorker } from './messages.js'

export interface PressedFleetOptions {
  readonly workers: number
  readonly concurrency: number
  readonly shape: JobShape
  /** Arguments of `numacast scheduler`. */
  readonly scheduler: readonly string[]
}

const cli = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))
const workerProgram = fileURLToPath(new URL('./worker-program.js', import.meta.url))

/** A collector and workers in one memory cgroup, and a scheduler outside it. A worker that ends is started again. */
export class PressedFleet {
  readonly #group: MemoryGroup
  readonly #queue: JobQueue
  readonly #options: PressedFleetOptions
  readonly #domain: number
  readonly #release: () => Promise<void>
  readonly #children = new Set<ChildProcess>()
  #isClosing = false
  #starts = 0

  static async start(group: MemoryGroup, queue: JobQueue, options: PressedFleetOptions): Promise<PressedFleet> {
    const { domain, release } = await lockDomain()
    const fleet = new PressedFleet(group, queue, options, domain, release)
    try {
      fleet.#spawn([cli, 'collector', '--numa-node', '0', '--domain', String(domain)], true)
      fleet.#spawn([cli, 'scheduler', '--domain', String(domain), ...options.scheduler], false)
      const names = Array.from({ length: options.workers }, (_, index) => `w${index}`)
      await Promise.all(names.map((name) => fleet.#startWorker(name)))
    } catch (error) {
      await fleet.close()
      throw error
    }
    return fleet
  }

  private constructor(
    group: MemoryGroup,
    queue: JobQueue,
    options: PressedFleetOptions,
    domain: number,
    release: () => Promise<void>,
  ) {
    this.#group = group
    this.#queue = queue
    this.#options = options
    this.#domain = domain
    this.#release = release
  }

  /** Workers that were started again because they had ended. */
  get restarts(): number {
    return this.#starts - this.#options.workers
  }

  async close(): Promise<void> {
    this.#isClosing = true
    await Promise.all([...this.#children].map(endChild))
    await this.#release()
  }

  async #startWorker(name: string): Promise<void> {
    const { concurrency } = this.#options
    this.#starts++
    const args = ['--expose-gc', workerProgram, String(this.#domain), name, String(concurrency)]
    const child = this.#spawn(args, true)
    const jobs = new Set<number>()
    const takers = new Set<(job: number) => void>()
    const take = (): void => {
      const taker = (job: number): void => {
        takers.delete(taker)
        jobs.add(job)
        const order: ToWorker = { job, shape: this.#options.shape }
        if (child.connected) child.send(order)
      }
      takers.add(taker)
      this.#queue.take(taker)
    }
    const ready = new Promise<void>((resolve) => {
      child.on('message', (message: FromWorker) => {
        if (message.kind === 'ready') resolve()
        else if (message.kind === 'take') take()
        else if (jobs.delete(message.job)) this.#queue.complete()
      })
    })
    const ended = once(child, 'exit').then(() => {
      for (const taker of takers) this.#queue.forget(taker)
      for (const job of jobs) this.#queue.lose(job)
      if (!this.#isClosing) void this.#startWorker(name)
    })
    await Promise.race([ready, ended])
  }

  #spawn(args: readonly string[], isInGroup: boolean): ChildProcess {
    const command = isInGroup ? `${this.#group.joining} && exec "$0" "$@"` : 'exec "$0" "$@"'
    const child = spawnChild('sh', ['-c', command, process.execPath, ...args], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#children.add(child)
    child.once('exit', () => this.#children.delete(child))
    return child
  }
}
