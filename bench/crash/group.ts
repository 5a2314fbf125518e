/** One that may be killed, or stalled: a process of its own. */
export interface Member {
  readonly name: string
  readonly pid: number
  /** When the kernel said that it has ended, on CLOCK_MONOTONIC. */
  readonly ended: Promise<bigint>
  /**
   * Keeps its program from running for so long, as a long computation would; undefined where there is no event loop
   * that could be kept busy.
   */
  readonly block?: (ms: number) => void
}

/** Somebody's word that a member is dead, at this time on CLOCK_MONOTONIC. */
export type DeathListener = (name: string, atNs: bigint) => void

/** Members, and whoever watches them, set up as that system's users would. */
export interface Group {
  readonly members: readonly Member[]
  /** The processes whose own stalls must not look like the members' deaths. */
  readonly observerPids: readonly number[]
  /** Resolves when those who watch have seen it alive. */
  add(): Promise<Member>
  /** It was killed, and is no member any more. */
  remove(member: Member): void
  onDeath(listener: DeathListener): void
  close(): Promise<void>
}
