import type { Counters } from '../../core/reporting/counters.js'
import type { Subscription } from '../../core/reporting/listeners.js'
import type { Clock } from '../../core/time/clock.js'
import type { Announcer } from '../../discovery/announcer.js'
import type { FrameHandler, FrameSource, Group, Transport } from '../../transport/lane/transport.js'
import type { GroupTable } from '../endpoints/group-table.js'

/** Takes the frames of joined groups; `FrameDispatcher` does. */
export interface FrameSink {
  /** A frame of a partition that this participant reads. */
  onDataFrame(body: Buffer, source: FrameSource): void
  /** A frame of the solicit group of a partition that this participant writes to. */
  onSolicitFrame(partition: string, body: Buffer, source: FrameSource): void
}

export interface PartitionMembershipComponents {
  readonly clock: Clock
  readonly counters: Counters
  readonly transport: Transport
  readonly announcer: Announcer
  readonly groups: GroupTable
  readonly frames: FrameSink
}

interface Joined {
  uses: number
  /** When the participant first asked for the writers; it has received the group's frames since. */
  exploredMs: number | undefined
  ready: Promise<Subscription>
  /** Why the group could not be joined; its next use tries again. */
  failure: unknown
}

/**
 * Joins groups of the datagram lane, counted by use: the data groups of the partitions that are read, and the solicit
 * groups of the partitions that are written to.
 */
export class PartitionMembership {
  readonly #components: PartitionMembershipComponents
  readonly #joined = new Map<string, Joined>()

  constructor(components: PartitionMembershipComponents) {
    this.#components = components
  }

  /** Starts to read the partition. Asks for its writers once their answers can arrive. */
  read(partition: string): void {
    const { announcer, clock, groups, frames } = this.#components
    this.#joinGroup(groups.data(partition), (body, source) => frames.onDataFrame(body, source))
      .then((joined) => {
        // The last reader may have closed before the lane had joined.
        if (joined.uses === 0) return
        joined.exploredMs ??= clock.nowMs()
        announcer.explore(partition)
      })
      .catch(() => undefined) // kept as `failure`, which ready() throws
  }

  /**
   * Returns since when the answers of all writers to the partitions have been received. A reader that is opened beside
   * another one finds the writers that are known already. Returns now while a group is not joined yet.
   */
  exploredMs(partitions: readonly string[]): number {
    const { clock, groups } = this.#components
    const nowMs = clock.nowMs()
    return Math.max(...partitions.map((name) => this.#joined.get(keyOf(groups.data(name)))?.exploredMs ?? nowMs))
  }

  stopReading(partition: string): void {
    if (this.#release(this.#components.groups.data(partition))) this.#components.announcer.ignore(partition)
  }

  /** Starts to write to the partition: announces it, and answers solicits. */
  write(partition: string): void {
    const { announcer, groups, frames } = this.#components
    const handler: FrameHandler = (body, source) => frames.onSolicitFrame(partition, body, source)
    this.#joinGroup(groups.solicit(partition), handler).catch(() => undefined)
    announcer.announce(partition)
  }

  stopWriting(partition: string): void {
    if (this.#release(this.#components.groups.solicit(partition))) this.#components.announcer.withdraw(partition)
  }

  /** Resolves when every group asked for so far is joined. @throws what joining threw: NUMACAST_TRANSPORT */
  async ready(): Promise<void> {
    await Promise.allSettled([...this.#joined.values()].map(({ ready }) => ready))
    for (const { failure } of this.#joined.values()) if (failure !== undefined) throw failure
  }

  async #joinGroup(group: Group, handler: FrameHandler): Promise<Joined> {
    const key = keyOf(group)
    const join = (): Promise<Subscription> => this.#components.transport.datagram.join(group, handler)
    let joined = this.#joined.get(key)
    if (joined === undefined) {
      joined = { uses: 0, exploredMs: undefined, ready: join(), failure: undefined }
      this.#joined.set(key, joined)
    } else if (joined.failure !== undefined) {
      joined.ready = join()
      joined.failure = undefined
    }
    joined.uses++
    const { ready } = joined
    try {
      await ready
      return joined
    } catch (error) {
      if (joined.ready === ready) joined.failure = error
      throw error
    }
  }

  /** Returns true when that was the last use. */
  #release(group: Group): boolean {
    const key = keyOf(group)
    const joined = this.#joined.get(key)
    if (joined === undefined || --joined.uses > 0) return false
    this.#joined.delete(key)
    joined.ready
      .then(
        (subscription) => subscription.close(),
        () => undefined, // it was never joined
      )
      .catch((error) => this.#components.counters.addError('partition.failed.leave', error))
    return true
  }
}

function keyOf({ port, name }: Group): string {
  return `${port} ${name}`
}
