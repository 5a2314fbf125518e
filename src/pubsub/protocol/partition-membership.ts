import type { Clock } from '../../core/clock.js'
import type { Subscription } from '../../core/listeners.js'
import type { Announcer } from '../../discovery/announcer.js'
import { dataGroup, solicitGroup } from '../../discovery/partition-groups.js'
import type { FrameHandler, FrameSource, Group, Transport } from '../../transport/lane/transport.js'

export interface PartitionMembershipComponents {
  readonly domain: number
  readonly clock: Clock
  readonly transport: Transport
  readonly announcer: Announcer
  readonly onFrame: FrameHandler
  /** A frame of a partition's solicit group. */
  readonly onAside: (partition: string, body: Buffer, source: FrameSource) => void
}

interface Joined {
  uses: number
  /** When the participant first asked who writes there; it has listened ever since. */
  exploredMs: number | undefined
  ready: Promise<Subscription>
  /** Why the group could not be joined; the next one that wants it tries again. */
  failure: unknown
}

/**
 * Which groups of the datagram lane the participant listens to, counted by use: the data of the partitions that it
 * reads, the solicits and signs of presence of those that it writes, and nothing else.
 */
export class PartitionMembership {
  readonly #components: PartitionMembershipComponents
  readonly #groups = new Map<string, Group>()
  readonly #joined = new Map<string, Joined>()

  constructor(components: PartitionMembershipComponents) {
    this.#components = components
  }

  /** One object per partition: lanes key their caches by it. */
  dataGroup(partition: string): Group {
    return this.#group(partition, dataGroup)
  }

  solicitGroup(partition: string): Group {
    return this.#group(`${partition}?`, () => solicitGroup(this.#components.domain, partition))
  }

  /** Starts to read the partition; asks who writes there once it can hear the answers. */
  read(partition: string): void {
    const { announcer, clock, onFrame } = this.#components
    this.#use(this.dataGroup(partition), onFrame)
      .then((joined) => {
        // Whoever began to read may have stopped before the lane had joined.
        if (joined.uses === 0) return
        joined.exploredMs ??= clock.nowMs()
        announcer.explore(partition)
      })
      .catch(() => undefined) // kept as its failure, which ready() throws
  }

  /**
   * Since when the participant has heard everybody who writes to the partitions and answers: a reader that is opened
   * beside another one finds those that the other has met. Now, while it does not listen yet.
   */
  exploredMs(partitions: readonly string[]): number {
    const nowMs = this.#components.clock.nowMs()
    return Math.max(...partitions.map((name) => this.#joined.get(keyOf(this.dataGroup(name)))?.exploredMs ?? nowMs))
  }

  stopReading(partition: string): void {
    if (this.#release(this.dataGroup(partition))) this.#components.announcer.ignore(partition)
  }

  /** Starts to write to the partition: announces it, and answers newcomers. */
  write(partition: string): void {
    const { announcer, onAside } = this.#components
    const handler: FrameHandler = (body, source) => onAside(partition, body, source)
    this.#use(this.solicitGroup(partition), handler).catch(() => undefined)
    announcer.announce(partition)
  }

  stopWriting(partition: string): void {
    if (this.#release(this.solicitGroup(partition))) this.#components.announcer.withdraw(partition)
  }

  /** Resolves when every group asked for so far is joined. @throws what joining threw: NUMACAST_TRANSPORT */
  async ready(): Promise<void> {
    await Promise.allSettled([...this.#joined.values()].map(({ ready }) => ready))
    for (const { failure } of this.#joined.values()) if (failure !== undefined) throw failure
  }

  async #use(group: Group, handler: FrameHandler): Promise<Joined> {
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

  /** True when that was the last use. */
  #release(group: Group): boolean {
    const key = keyOf(group)
    const joined = this.#joined.get(key)
    if (joined === undefined || --joined.uses > 0) return false
    this.#joined.delete(key)
    void joined.ready.then(
      (subscription) => subscription.close(),
      () => undefined,
    )
    return true
  }

  #group(key: string, make: (domain: number, partition: string) => Group): Group {
    let group = this.#groups.get(key)
    if (group === undefined) {
      group = make(this.#components.domain, key)
      this.#groups.set(key, group)
    }
    return group
  }
}

function keyOf({ port, name }: Group): string {
  return `${port} ${name}`
}
