// Measures how many keyed samples per second reach another process, each delivered, compared with Cyclone DDS and NATS.
import { lockDomain } from '../test/support/domain-lock.js'
import { alternate, type BenchOptions, type BenchResult, type Contender, ratio } from './harness.js'
import { Lineup } from './lineup.js'
import { ddsperfThroughput } from './peers/ddsperf.js'
import type { LinkName } from './peers/links.js'
import { openPair, type Pair } from './peers/pair.js'
import { findProgram } from './peers/server-process.js'

const bytes = 200
/** More keys than messages in flight. None is overwritten before it is delivered, so nothing is conflated. */
const keys = 8192
const window = 4096
const batch = 128
const rivals: readonly { readonly peer: LinkName; readonly goal: number }[] = [
  { peer: 'nats', goal: 5 },
  { peer: 'redis', goal: 1 },
  { peer: 'mqtt', goal: 1 },
  { peer: 'zeromq', goal: 1 },
]
/** No competitor: batches over ZeroMQ in Node, with nothing on top. */
const floor: LinkName = 'zeromq-batched'
/** Few enough that a writer that never waits overwrites each many times before it is sent. */
const conflatedKeys = 100
const conflatedBatch = 1000

export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const seconds = quick ? 0.1 : 1
  const flood = (name: string, { near }: Pair): Contender => ({
    name,
    unit: 'samples/s',
    run: () => near.call('flood', { seconds, bytes, keys, window, batch }),
  })
  const conflated = ({ near }: Pair): Contender => ({
    name: 'numacast conflated',
    unit: 'updates/s',
    run: () => near.call('conflate', { seconds, bytes, keys: conflatedKeys, batch: conflatedBatch }),
  })
  const lineup = new Lineup()
  try {
    const own = await lockDomain()
    lineup.onClose(() => own.release())
    const theirs = await lockDomain()
    lineup.onClose(() => theirs.release())
    const open = async (peer: LinkName): Promise<Pair> => {
      const pair = await openPair(peer, { domain: own.domain, port: 0 })
      lineup.onClose(() => pair.close())
      return pair
    }
    await lineup.add(
      'numacast',
      () => open('numacast'),
      (pair) => [flood('numacast', pair), conflated(pair)],
    )
    await lineup.add(
      'ddsperf',
      () => findProgram('ddsperf'),
      () => [
        {
          name: 'ddsperf',
          unit: 'samples/s',
          run: () => ddsperfThroughput(theirs, { seconds: quick ? 1 : 3, bytes }),
        },
      ],
    )
    for (const peer of [...rivals.map((rival) => rival.peer), floor]) {
      await lineup.add(
        peer,
        () => open(peer),
        (pair) => [flood(peer, pair)],
      )
    }
    const rows = await alternate(lineup.contenders, quick ? 1 : 7)
    return {
      rows,
      ratios: [{ peer: 'ddsperf', goal: 2 }, ...rivals].flatMap(({ peer, goal }) =>
        lineup.has(peer) ? [ratio(rows, 'numacast', peer, goal, 'more')] : [],
      ),
      skipped: lineup.skipped,
    }
  } finally {
    await lineup.close()
  }
}
