import type { FleetRow } from './fleet.js'

/** A method to learn the whole fleet. */
export interface Joiner {
  /** Prepares what exists before the clock starts. */
  prepare?(): Promise<void>
  /** Resolves with every instance, decoded. */
  join(): Promise<ReadonlyMap<string, FleetRow>>
  /** Undoes `join`, so that the next one starts from nothing. */
  leave?(): Promise<void> | void
  close(): Promise<void>
}

/** `size`: number of instances, for peers that do not report when a newcomer has everything. */
export type OpenJoiner = (address: string, size: number) => Promise<Joiner>
