import type { ParticipantOptions } from '../../pubsub/participant-options.js'
import type { BlockedPhase } from './blocked-loop.js'
import type { ProcessUsage } from './process-usage.js'

/** What one process of a {@link ProcessFleet} runs. */
export interface MemberSpec {
  /**
   * `collector` serves a NUMA node; `workers` runs one worker per `workerIds`; `view` watches the fleet as a scheduler
   * does; `watcher` reads the workers' own reports, without a collector between; `peer` is no role of a plane, but a
   * participant that writes `instances` values of its own and reads those of all peers.
   */
  readonly role: 'collector' | 'peer' | 'view' | 'watcher' | 'workers'
  readonly domain: number
  /** Names the process in reports and messages. */
  readonly name: string
  readonly workerIds?: readonly string[]
  /** Of a collector, or of workers. @default 0 */
  readonly numaNode?: number
  /** What a collector measures: this machine, or `idleZone`, also for nodes that it lacks. @default 'machine' */
  readonly zone?: 'idle' | 'machine'
  /** Of a `peer`. @default 20 */
  readonly instances?: number
  /** What the process does when the process that started it has ended. @default 'stay' */
  readonly orphaned?: 'leave' | 'stay'
  /** `blind`: the kernel tells nothing about other processes, as across a container's boundary. @default 'tells' */
  readonly kernel?: 'blind' | 'tells'
  readonly options?: Pick<ParticipantOptions, 'insecure' | 'leaseMs' | 'peers' | 'range' | 'unreachableDeadAfterMs'>
}

/** What a member does when told to: mostly faults. */
export type MemberCommand =
  /** Blocks the event loop `times` times, with one turn of the loop between. */
  | { readonly do: 'block'; readonly phase: BlockedPhase; readonly ms: number; readonly times: number }
  | { readonly do: 'exit'; readonly code: number }
  /** Throws from a timer, which ends the process. */
  | { readonly do: 'throw' }
  | { readonly do: 'tell-time' }
  /** A `peer` makes that many changes, one every 5 ms. */
  | { readonly do: 'write'; readonly changes: number }
  | { readonly do: 'tell-state' }
  | { readonly do: 'measure'; readonly ms: number }
  /** Allocates memory until the kernel ends the process. */
  | { readonly do: 'hoard' }
  /** Closes in order and ends. */
  | { readonly do: 'leave' }

/** The state of a worker as an observer sees it. Reported when its liveliness, cause, detail or process changes. */
export interface Sighting {
  readonly kind: 'sighting'
  readonly workerId: string
  readonly pid: number
  readonly incarnation: number
  readonly liveliness: string
  readonly cause: string | null
  readonly detail: string | null
}

/** What a `peer` holds and has observed. */
export interface PeerState {
  /** What it holds, by key. */
  readonly held: Readonly<Record<string, number>>
  /** What it wrote itself. */
  readonly own: Readonly<Record<string, number>>
  /** Tokens that arrived twice or out of order. */
  readonly violations: readonly string[]
  /** Every liveliness that a peer ever had, by name. */
  readonly seen: Readonly<Record<string, readonly string[]>>
  /** The liveliness of each peer now, by name. */
  readonly peers: Readonly<Record<string, string>>
  /** Whether each peer receives from this one, by name. Null until the peer reports it. */
  readonly receivesFromUs: Readonly<Record<string, boolean | null>>
  /** Connections for live frames that it has dialled. */
  readonly liveConnections: number
  /** Counters of the participant and of both its lanes. */
  readonly counters: Readonly<Record<string, number>>
  readonly endpoints: readonly string[]
}

export type MemberReport =
  /** The member has joined, with these incarnations of its participants. */
  | { readonly kind: 'ready'; readonly pid: number; readonly incarnations: readonly number[] }
  | Sighting
  /** The verdict of the member's participant on another participant. */
  | {
      readonly kind: 'peer'
      readonly name: string
      readonly pid: number
      readonly incarnation: number
      readonly liveliness: string
      readonly cause: string | null
      readonly detail: string | null
    }
  /** The health of the member's participant has changed. */
  | { readonly kind: 'health'; readonly change: 'degraded' | 'recovered'; readonly reason: string | null }
  /** The view reports that the liveliness of a worker has changed. */
  | {
      readonly kind: 'change'
      readonly workerId: string
      readonly pid: number
      readonly incarnation: number
      readonly after: string
      readonly mayReassign: boolean
    }
  | { readonly kind: 'blocked'; readonly phase: BlockedPhase; readonly ms: number }
  | { readonly kind: 'time'; readonly wallMs: number }
  | { readonly kind: 'wrote' }
  | { readonly kind: 'usage'; readonly usage: ProcessUsage }
  | { readonly kind: 'state'; readonly state: PeerState }
  | { readonly kind: 'failed'; readonly message: string }
