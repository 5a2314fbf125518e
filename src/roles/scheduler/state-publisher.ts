import { type SchedulerState, schedulerState } from '../../plane/scheduler/scheduler-state.js'
import { planePartition } from '../../plane/vocabulary/partitions.js'
import { toNote } from '../../plane/vocabulary/text.js'
import type { Participant } from '../../pubsub/participant.js'
import type { Writer } from '../../pubsub/writer/writer.js'
import type { Decider } from './decider.js'
import type { ResolvedSchedulerOptions } from './scheduler-options.js'

/** A name list of the plane holds at most this many. */
const mostNames = 64

/** Publishes what a scheduler decides by and what it withholds, when it changes. */
export class StatePublisher {
  readonly #writer: Writer<SchedulerState>
  readonly #fixed: Pick<SchedulerState, 'schedulerId' | 'name' | 'host' | 'bootId' | 'pid' | 'policies'>
  #published = ''

  constructor(participant: Participant, { name, policies }: Pick<ResolvedSchedulerOptions, 'name' | 'policies'>) {
    this.#writer = participant.writer(schedulerState, { partition: planePartition })
    const { host, bootId, pid } = participant.identity
    const names = policies.map((policy) => policy.name.slice(0, 256)).slice(0, mostNames)
    this.#fixed = { schedulerId: participant.guid, name, host, bootId, pid, policies: names }
  }

  publish({ inForce, withheld }: Pick<Decider<unknown>, 'inForce' | 'withheld'>): void {
    const shown = withheld === null ? null : { ...withheld, detail: toNote(withheld.detail) }
    const state = { ...this.#fixed, intentsInForce: inForce, withheld: shown }
    const text = JSON.stringify([inForce, shown?.reason, shown?.intents])
    if (text === this.#published) return
    this.#published = text
    this.#writer.write(state)
  }

  close(): void {
    this.#writer.close()
  }
}
