/** What was free when a reservation was made, other reservations not taken off. `null`: not limited. */
export interface FreeAmounts {
  readonly jobs: number | null
  readonly cpus: number | null
  readonly memoryBytes: number | null
  readonly vramBytes: number | null
}

/** What one zone gives to a reservation, and what it had free. */
export interface ReservedZone {
  readonly numaNode: number
  readonly cpus: number
  readonly memoryBytes: number
  readonly freeCpus: number
  readonly freeMemoryBytes: number
}

/** What a scheduler has given to a job at a worker, until the worker's own report covers it. Plain data. */
export interface Reservation {
  /** Unique among all schedulers. */
  readonly reservationId: string
  /** The scheduler that made it: a GUID. */
  readonly scheduler: string
  /** Higher than that of every reservation that its scheduler knew when it made it. */
  readonly seq: number
  readonly jobId: string
  readonly workerId: string
  readonly incarnation: number
  readonly bootId: string
  readonly cpus: number
  readonly memoryBytes: number
  readonly vramBytes: number
  readonly zones: readonly ReservedZone[]
  /** What the worker had free. */
  readonly free: FreeAmounts
  readonly ttlMs: number
}

/**
 * Puts reservations of several schedulers in one order on which all of them agree, whatever order they arrive in: by
 * number, then by scheduler. No clocks are compared. A reservation comes after every other that its maker knew of, so
 * it never takes the place of one of these.
 */
export function compareReservations(a: Reservation, b: Reservation): number {
  if (a.seq !== b.seq) return a.seq - b.seq
  if (a.scheduler !== b.scheduler) return a.scheduler < b.scheduler ? -1 : 1
  return 0
}
