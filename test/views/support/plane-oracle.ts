import type { EntityGuid, Guid } from '../../../src/core/ids.js'
import { participantOf } from '../../../src/core/ids.js'
import { planePartition } from '../../../src/plane/vocabulary/partitions.js'
import type { Participant } from '../../../src/pubsub/participant.js'
import type { Writer } from '../../../src/pubsub/writer/writer.js'
import type { MemoryFleet } from '../../../src/testing/memory-fleet.js'

/** Topics of the plane's partition that a fleet view reads. */
const viewTopics =
  /^(node\.(capacity|roster|absent)|worker\.(profile|end|unserved)|intent\..*|config\.(concurrency-limit|maintenance-mode))$/

/** One writer, and when it had reached which number. */
export interface ObservedWriter {
  readonly guid: EntityGuid
  readonly participant: Guid
  readonly topic: string
  isOpen: boolean
  lastSeq(): number
  /** Returns the number that it had reached by then. */
  lastSeqAt(atMs: number): number
}

/** Sees the writers of every participant, whatever the network does. */
export class PlaneOracle {
  readonly #fleet: MemoryFleet
  readonly #writers: (ObservedWriter & { readonly sample: (nowMs: number) => void })[] = []
  readonly #ended = new Set<Guid>()
  readonly participants = new Map<Guid, Participant>()

  /** Observes every participant that joins from now on. */
  constructor(fleet: MemoryFleet) {
    this.#fleet = fleet
    const join = fleet.join
    const observed: typeof join = async (...args) => {
      const participant = await join(...args)
      this.#observe(participant)
      return participant
    }
    ;(fleet as { join: typeof join }).join = observed
  }

  /** Writers of participants that run, and that a view reads where it receives them. */
  live(): readonly ObservedWriter[] {
    return this.#writers.filter(({ isOpen, participant }) => isOpen && !this.#ended.has(participant))
  }

  /** Takes note of what every writer has reached. Call it often. */
  sample(): void {
    for (const writer of this.#writers) if (writer.isOpen) writer.sample(this.#fleet.clock.nowMs())
  }

  /** The participant's process has ended. */
  ended(participant: Guid): void {
    this.#ended.add(participant)
  }

  #observe(participant: Participant): void {
    this.participants.set(participant.guid, participant)
    const { writer: open, relay: openRelay } = participant
    participant.writer = ((...args: Parameters<typeof open>) => {
      const writer = open.apply(participant, args)
      this.#add(writer as unknown as Writer<object>)
      return writer
    }) as typeof open
    participant.relay = ((...args: Parameters<typeof openRelay>) => {
      const relay = openRelay.apply(participant, args)
      this.#add(relay.writer as unknown as Writer<object>)
      return relay
    }) as typeof openRelay
  }

  #add(writer: Writer<object>): void {
    if (!writer.partitions.includes(planePartition) || !viewTopics.test(writer.topic.name)) return
    const history: { readonly atMs: number; readonly seq: number }[] = []
    const observed = {
      guid: writer.guid,
      participant: participantOf(writer.guid),
      topic: writer.topic.name,
      isOpen: true,
      lastSeq: () => writer.lastSeq,
      lastSeqAt(atMs: number): number {
        return history.findLast((entry) => entry.atMs <= atMs)?.seq ?? 0
      },
      sample(nowMs: number): void {
        if (history.at(-1)?.seq !== writer.lastSeq) history.push({ atMs: nowMs, seq: writer.lastSeq })
      },
    }
    this.#writers.push(observed)
    void writer.ended.then(() => {
      observed.isOpen = false
    })
  }
}
