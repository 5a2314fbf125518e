import type { OpenLink } from './link.js'

/** The peers of two-way conversations. Each loads its client library only in the process that uses it. */
export const links = {
  numacast: async () => (await import('./numacast.js')).openLink,
  'node-dgram': async () => (await import('./node-dgram.js')).openLink,
  nats: async () => (await import('./nats.js')).openLink,
  redis: async () => (await import('./redis.js')).openLink,
  mqtt: async () => (await import('./mqtt.js')).openLink,
  zeromq: async () => (await import('./zeromq.js')).openLink,
  'zeromq-batched': async () => (await import('./zeromq.js')).openBatchedLink,
} as const satisfies Readonly<Record<string, () => Promise<OpenLink>>>
export type LinkName = keyof typeof links
