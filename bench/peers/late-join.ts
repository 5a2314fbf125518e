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

/** Each loads its client library only in the process that uses it. */
export const joiners = {
  numacast: async () => (await import('./numacast-late-join.js')).openKnowing,
  'numacast first reader': async () => (await import('./numacast-late-join.js')).openUnknowing,
  'numacast cold': async () => (await import('./numacast-late-join.js')).openCold,
  'redis HGETALL': async () => (await import('./redis-late-join.js')).openConnected,
  'redis HGETALL cold': async () => (await import('./redis-late-join.js')).openCold,
  'nats KV watch': async () => (await import('./nats-late-join.js')).openJoiner,
  'mqtt retained': async () => (await import('./mqtt-late-join.js')).openJoiner,
} as const satisfies Readonly<Record<string, () => Promise<OpenJoiner>>>
export type JoinerName = keyof typeof joiners
