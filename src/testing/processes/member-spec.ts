import type { ParticipantOptions } from '../../pubsub/participant-options.js'
import type { BlockedPhase } from './blocked-loop.js'

/** What one process of a {@link ProcessFleet} runs. */
export interface MemberSpec {
  /**
   * `collector` serves NUMA node 0; `workers` runs one worker per `workerIds`; `view` watches the fleet as a scheduler
   * does; `watcher` reads the workers' own reports, without a collector between.
   */
  readonly role: 'collector' | 'workers' | 'view' | 'watcher'
  readonly domain: number
  /** Names the process in reports and messages. */
  readonly name: string
  readonly workerIds?: readonly string[]
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
  | { readonly kind: 'failed'; readonly message: string }
