import { fileURLToPath } from 'node:url'
import { Scheduler } from '../../../src/roles/scheduler/scheduler.js'
import type { LivelinessChange } from '../../../src/views/status/liveliness-history.js'
import type { StatusDocument } from '../../../src/views/status/status-document.js'
import type { LivelinessSighting } from '../protocol.js'
import { Subject } from './subject.js'
import { until } from './until.js'

const program = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url))

/** A plane on node 0. Collector and workers are processes. The scheduler has no policies and runs in this process. */
export class SmallPlane {
  readonly scheduler: Scheduler
  readonly domain: number
  /** Every change of liveliness that the scheduler received, oldest first. */
  readonly sightings: LivelinessSighting[] = []
  readonly #subjects: Subject[] = []

  static async start(domain: number): Promise<SmallPlane> {
    const plane = new SmallPlane(domain, await Scheduler.start({ domain, policies: [], adopts: false }))
    plane.command('collector', '--numa-node', '0')
    await until('a collector', () => plane.status().nodes.length > 0)
    return plane
  }

  private constructor(domain: number, scheduler: Scheduler) {
    this.domain = domain
    this.scheduler = scheduler
    scheduler.view.onChange((change) => {
      if (change.kind === 'liveliness') this.sightings.push(sightingOf(change))
    })
  }

  /** Runs a command of `numacast` in the plane's domain. */
  command(...words: readonly string[]): Subject {
    return this.keep(new Subject(null, 'node', program, ...words, '--domain', String(this.domain)))
  }

  /** Ends with the plane. */
  keep(subject: Subject): Subject {
    this.#subjects.push(subject)
    return subject
  }

  status(): StatusDocument {
    return this.scheduler.view.status()
  }

  /** Waits until the scheduler sees all of these workers alive. */
  async seesAlive(workerIds: readonly string[]): Promise<void> {
    await until(`${workerIds} alive`, () => {
      const { workers } = this.status()
      return workerIds.every((id) =>
        workers.some(({ workerId, liveliness }) => workerId === id && liveliness === 'alive'),
      )
    })
  }

  async close(): Promise<void> {
    await this.scheduler.close()
    await Promise.all(this.#subjects.map((subject) => subject.kill()))
  }
}

function sightingOf({ workerId, after }: LivelinessChange): LivelinessSighting {
  const { liveliness, cause, detail } = after
  return { workerId, liveliness, cause, detail }
}
