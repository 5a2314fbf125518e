import { closeTogether } from '../core/close-all.js'
import { UdpDatagramLane } from './datagram/datagram-lane.js'
import { DisabledDatagramLane } from './datagram/disabled-datagram-lane.js'
import { ReceiveDrops } from './datagram/receive-drops.js'
import { readInterfaceFacts } from './interfaces/interface-facts.js'
import { networkPaths, rankInterfaces } from './interfaces/interface-rank.js'
import { readInterfaces } from './interfaces/interfaces.js'
import { PathWatch } from './interfaces/path-watch.js'
import type { NetworkPath } from './lane/network-path.js'
import { multicastAddressOf, rendezvousPortOf } from './lane/port.js'
import { localhostRange, Range, rangeOfDomain, subnetRange } from './lane/range.js'
import type { Transport } from './lane/transport.js'
import { ZeromqStreamLane } from './stream/stream-lane.js'
import {
  type OpenTransportOptions,
  type ResolvedTransportOptions,
  resolveTransportOptions,
  StreamReach,
} from './transport-options.js'

/** The real transport, with the state that only it has. */
export interface NetworkTransport extends Transport {
  readonly datagram: UdpDatagramLane | DisabledDatagramLane
  readonly stream: ZeromqStreamLane
}

/**
 * Opens both lanes. Like a `net.Server`, an open transport keeps the process alive until `close()`. A process that dies
 * without closing leaves no file and no port behind.
 *
 * Interfaces beyond loopback are examined every two seconds while it is open. Changes are applied.
 *
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT, NUMACAST_TRANSPORT
 */
export async function openTransport(options: OpenTransportOptions): Promise<NetworkTransport> {
  const resolved = resolveTransportOptions(options)
  const { domain, clock, random, range, port } = resolved
  const paths = resolved.streamReach === StreamReach.network ? networkPaths(readInterfaces(resolved)) : []
  const addresses = paths.map(({ address }) => address)
  const rendezvousPort = rendezvousPortOf(domain)
  const stream = await ZeromqStreamLane.open({ clock, random, port, addresses, rendezvousPort }, resolved.stream)
  let datagram: NetworkTransport['datagram']
  try {
    datagram = await openDatagrams(resolved, paths)
  } catch (error) {
    await stream.close().catch((failure) => stream.counters.addError('stream.failed.close', failure))
    throw error
  }
  const drops = new ReceiveDrops({
    clock,
    counters: datagram.counters,
    multicastAddress: multicastAddressOf(domain),
    ports: () => datagram.ports,
  })
  const watch = resolved.streamReach === StreamReach.network ? watchPaths(resolved, datagram, stream, paths) : undefined
  return {
    range,
    datagram,
    stream,
    close: async () => {
      await closeTogether([() => watch?.close(), () => drops.close(), () => datagram.close(), () => stream.close()])
    },
  }
}

async function openDatagrams(
  { range, domain, clock }: ResolvedTransportOptions,
  paths: readonly NetworkPath[],
): Promise<NetworkTransport['datagram']> {
  switch (range) {
    case Range.localhost:
      return UdpDatagramLane.open(rangeOfDomain(localhostRange, domain), [], clock)
    case Range.subnet:
      return UdpDatagramLane.open(rangeOfDomain(subnetRange, domain), paths, clock)
    case Range.off:
      return new DisabledDatagramLane()
  }
}

function watchPaths(
  { clock, interfaces }: ResolvedTransportOptions,
  datagram: NetworkTransport['datagram'],
  stream: ZeromqStreamLane,
  paths: readonly NetworkPath[],
): PathWatch {
  return new PathWatch(
    {
      clock,
      counters: stream.counters,
      // An interface of the allow-list may be absent temporarily, so that is not an error at this point.
      read: () => networkPaths(rankInterfaces(readInterfaceFacts(), interfaces)),
      isIncomplete: () => datagram.isIncomplete || stream.isIncomplete,
      apply: async (now, { came, went }) => {
        if (came > 0) stream.counters.add('interface.came', came)
        if (went > 0) stream.counters.add('interface.went', went)
        await Promise.all([datagram.usePaths(now), stream.useAddresses(now.map(({ address }) => address))])
      },
    },
    paths,
  )
}
