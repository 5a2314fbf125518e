import type { OpenJoiner } from './joiner.js'

/** The peers that a newcomer learns the fleet from. Each loads its client library only in the process that uses it. */
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
