// Measures how soon a newcomer knows a whole fleet, compared with one command to Redis.
import { lockDomain } from '../test/support/domain-lock.js'
import { Actor } from './actors/actor.js'
import type { FleetOwnerCalls } from './actors/fleet-owner.js'
import type { LateJoinerCalls } from './actors/late-joiner.js'
import { alternate, type BenchOptions, type BenchResult, type Contender, ratio } from './harness.js'
import { Lineup } from './lineup.js'
import type { JoinerName } from './peers/joiners.js'
import { startMosquitto } from './peers/mqtt.js'
import { fillMosquitto } from './peers/mqtt-late-join.js'
import { startNats } from './peers/nats.js'
import { fillNats } from './peers/nats-late-join.js'
import { startRedis } from './peers/redis.js'
import { fillRedis } from './peers/redis-late-join.js'
import type { ServerProcess } from './peers/server-process.js'

/** The process that holds the fleet, its address, and the processes that join late there. */
interface Holder {
  readonly peer: string
  readonly joiners: readonly JoinerName[]
  hold(lineup: Lineup, size: number): Promise<string>
}

const holders: readonly Holder[] = [
  { peer: 'numacast', joiners: ['numacast', 'numacast first reader', 'numacast cold'], hold: holdHere },
  { peer: 'redis', joiners: ['redis HGETALL', 'redis HGETALL cold'], hold: onServer(startRedis, fillRedis) },
  { peer: 'nats', joiners: ['nats KV watch'], hold: onServer(startNats, fillNats) },
  { peer: 'mqtt', joiners: ['mqtt retained'], hold: onServer(startMosquitto, fillMosquitto) },
]

const comparisons: readonly (readonly [of: JoinerName, to: JoinerName, goal: number])[] = [
  ['numacast', 'redis HGETALL', 0.25],
  ['numacast', 'nats KV watch', 0.25],
  ['numacast', 'mqtt retained', 0.25],
  ['numacast cold', 'redis HGETALL cold', 1],
]

export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const size = quick ? 200 : 10_000
  const lineup = new Lineup()
  try {
    for (const { peer, joiners, hold } of holders) {
      await lineup.add(
        peer,
        async () => {
          const address = await hold(lineup, size)
          return Promise.all(joiners.map((joiner) => openJoiner(lineup, joiner, address, size)))
        },
        (contenders) => contenders,
      )
    }
    const rows = await alternate(lineup.contenders, quick ? 1 : 15)
    return {
      rows,
      ratios: comparisons.flatMap(([of, to, goal]) => (lineup.has(to) ? [ratio(rows, of, to, goal)] : [])),
      skipped: lineup.skipped,
    }
  } finally {
    await lineup.close()
  }
}

async function openJoiner(lineup: Lineup, name: JoinerName, address: string, size: number): Promise<Contender> {
  const joiner = await Actor.start<LateJoinerCalls>('late-joiner.js', [name, address, String(size)])
  lineup.onClose(() => joiner.close())
  return { name, unit: 'ms', run: () => joiner.call('join', undefined) }
}

async function holdHere(lineup: Lineup, size: number): Promise<string> {
  const { domain, release } = await lockDomain()
  lineup.onClose(release)
  const owner = await Actor.start<FleetOwnerCalls>('fleet-owner.js', [String(domain), String(size)])
  lineup.onClose(() => owner.close())
  return String(domain)
}

function onServer(start: () => Promise<ServerProcess>, fill: (port: number, size: number) => Promise<void>) {
  return async (lineup: Lineup, size: number): Promise<string> => {
    const server = await start()
    lineup.onClose(() => server.close())
    await fill(server.port, size)
    return String(server.port)
  }
}
