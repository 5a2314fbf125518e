/** A process that may be killed or stalled. */
export interface Member {
  readonly name: string
  readonly pid: number
  /** When the kernel reported its end, on CLOCK_MONOTONIC. */
  readonly ended: Promise<bigint>
  /**
   * Keeps its program busy for that time, as a long computation would. Undefined if it has no event loop to keep busy.
   */
  readonly block?: (ms: number) => void
}

/** Called with each report that a member is dead, at this time on CLOCK_MONOTONIC. */
export type DeathListener = (name: string, atNs: bigint) => void

/** Members and their observers, set up as users of that system would. */
export interface Group {
  readonly members: readonly Member[]
  /** The processes whose own stalls must not look like the members' deaths. */
  readonly observerPids: readonly number[]
  /** Resolves when the observers have seen it alive. */
  add(): Promise<Member>
  /** Removes a member that was killed. */
  remove(member: Member): void
  onDeath(listener: DeathListener): void
  close(): Promise<void>
}
