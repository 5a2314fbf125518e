// Measures how long one small sample takes from one process to another, compared with Cyclone DDS.
import { lockDomain } from '../test/support/domain-lock.js'
import { alternate, type BenchOptions, type BenchRatio, type BenchResult, type Contender, ratio } from './harness.js'
import { Lineup } from './lineup.js'
import { ddsperfPing } from './peers/ddsperf.js'
import type { LinkName } from './peers/links.js'
import { openPair, type Pair, type PairPlace } from './peers/pair.js'
import { findProgram } from './peers/server-process.js'

const unit = 'µs one way'
/** The size of the goal, and the only size for peers without a goal. */
const small = 64
const large = 1024
/** Slow enough that both processes sleep between two pings. */
const calmHz = 100
const rivals: readonly LinkName[] = ['zeromq', 'nats', 'redis', 'mqtt']
/** No competitor: the sockets below the datagram lane. */
const floor: LinkName = 'node-dgram'

interface Measure {
  readonly name: string
  readonly bytes: number
  readonly rateHz: number | null
}

export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const seconds = quick ? 0.1 : 1
  const rounds = quick ? 1 : 7
  const measures = (peer: string): readonly Measure[] => [
    { name: `${peer} ${small} B`, bytes: small, rateHz: null },
    { name: `${peer} ${large} B`, bytes: large, rateHz: null },
    { name: `${peer} ${small} B at ${calmHz} Hz`, bytes: small, rateHz: calmHz },
  ]
  const ofPair =
    (chosen: (peer: string) => readonly Measure[]) =>
    (pair: Pair & { readonly peer: string }): readonly Contender[] =>
      chosen(pair.peer).map(({ name, bytes, rateHz }) => ({
        name,
        unit,
        run: () => pair.near.call('ping', { seconds, bytes, rateHz }),
      }))
  const lineup = new Lineup()
  try {
    const own = await lockDomain()
    lineup.onClose(() => own.release())
    const theirs = await lockDomain()
    lineup.onClose(() => theirs.release())
    const place: PairPlace = { domain: own.domain, port: 7400 + 250 * theirs.domain + 200 }
    const open = async (peer: LinkName): Promise<Pair & { readonly peer: string }> => {
      const pair = await openPair(peer, place)
      lineup.onClose(() => pair.close())
      return { ...pair, peer }
    }
    await lineup.add('numacast', () => open('numacast'), ofPair(measures))
    await lineup.add(
      'ddsperf',
      () => findProgram('ddsperf'),
      () =>
        measures('ddsperf').map(({ name, bytes, rateHz }) => ({
          name,
          unit,
          run: () => ddsperfPing(theirs, { seconds: quick ? 1 : 3, bytes, rateHz }),
        })),
    )
    for (const peer of [floor, ...rivals])
      await lineup.add(
        peer,
        () => open(peer),
        ofPair((name) => measures(name).slice(0, 1)),
      )
    const rows = await alternate(lineup.contenders, rounds)
    const against = (peer: string): readonly BenchRatio[] =>
      measures(peer).flatMap(({ name }, index) =>
        lineup.has(name) ? [ratio(rows, measures('numacast')[index]?.name ?? '', name, 1)] : [],
      )
    return { rows, ratios: ['ddsperf', ...rivals].flatMap(against), skipped: lineup.skipped }
  } finally {
    await lineup.close()
  }
}
