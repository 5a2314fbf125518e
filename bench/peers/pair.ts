import { Actor } from '../actors/actor.js'
import type { LinkEndCalls } from '../actors/link-end.js'
import type { LinkName } from './links.js'
import { startMosquitto } from './mqtt.js'
import { startNats } from './nats.js'
import { startRedis } from './redis.js'

/** The two ends of a link, each in its own process, and the server in between where the peer has one. */
export interface Pair {
  readonly near: Actor<LinkEndCalls>
  close(): Promise<void>
}

/** What runs between the ends, and how they find each other. */
interface Middle {
  readonly address: string
  close?(): Promise<void>
}

/** A pair's own place on this host: the domain of its participants, and a port that belongs to another. */
export interface PairPlace {
  readonly domain: number
  readonly port: number
}

const middles: Readonly<Record<LinkName, (place: PairPlace) => Promise<Middle> | Middle>> = {
  numacast: ({ domain }) => ({ address: String(domain) }),
  'node-dgram': ({ port }) => ({ address: String(port) }),
  nats: async () => atPort(await startNats()),
  redis: async () => atPort(await startRedis()),
  mqtt: async () => atPort(await startMosquitto()),
  zeromq: () => ({ address: `numacast-bench-${process.pid}` }),
  'zeromq-batched': () => ({ address: `numacast-bench-${process.pid}-batched` }),
}

/** @throws MissingPeer */
export async function openPair(link: LinkName, place: PairPlace): Promise<Pair> {
  const middle = await middles[link](place)
  const ends: Actor<LinkEndCalls>[] = []
  const close = async (): Promise<void> => {
    await Promise.all(ends.map((end) => end.close()))
    await middle.close?.()
  }
  try {
    for (const role of ['far', 'near']) {
      ends.push(await Actor.start<LinkEndCalls>('link-end.js', [link, role, middle.address]))
    }
  } catch (error) {
    await close()
    throw error
  }
  return { near: ends[1] as Actor<LinkEndCalls>, close }
}

function atPort({ port, close }: { readonly port: number; close(): Promise<void> }): Middle {
  return { address: String(port), close }
}
