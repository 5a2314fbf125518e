/** What is reserved at one incarnation of a worker, beyond what its row shows. */
export interface ReservedAtWorker {
  readonly incarnation: number
  readonly jobs: number
  readonly cpus: number
  readonly memoryBytes: number
  readonly vramBytes: number
}

/** What is reserved of one zone. */
export interface ReservedInZone {
  readonly cpus: number
  readonly memoryBytes: number
}

/** Sums of reservations, to be taken off what a snapshot shows as free. */
export interface ReservedTotals {
  /** By workerId: one entry per incarnation. Schedulers may see different ones until their views agree. */
  readonly workers: ReadonlyMap<string, readonly ReservedAtWorker[]>
  /** By the target that names the zone. */
  readonly zones: ReadonlyMap<string, ReservedInZone>
}
