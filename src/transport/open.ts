import type { Clock } from '../core/clock.js'
import { invalidArgument } from '../core/errors.js'
import { UdpDatagramLane } from './datagram.js'
import { checkDomain } from './port.js'
import { type DatagramRange, localhostRange } from './range.js'
import { type StreamLaneOptions, ZeromqStreamLane } from './stream.js'
import type { Transport } from './transport.js'

/** How far a participant is heard. */
export const Range = {
  /** This host's loopback interface. */
  localhost: 'localhost',
} as const
export type Range = (typeof Range)[keyof typeof Range]

export interface OpenTransportOptions {
  /** 0 … 231. Participants of different domains never meet. */
  readonly domain: number
  readonly clock: Clock
  /** @default 'localhost' */
  readonly range?: Range
  readonly stream?: StreamLaneOptions
}

interface ResolvedOpenTransportOptions {
  readonly domain: number
  readonly clock: Clock
  readonly range: DatagramRange
  readonly stream: StreamLaneOptions
}

export const defaultRange: Range = Range.localhost

const ranges: Readonly<Record<Range, DatagramRange>> = { localhost: localhostRange }

function resolveOpenTransportOptions(options: OpenTransportOptions): ResolvedOpenTransportOptions {
  checkDomain(options.domain)
  const range = options.range ?? defaultRange
  if (!Object.hasOwn(ranges, range)) {
    throw invalidArgument(`range must be one of ${Object.keys(ranges).join(', ')}, not ${JSON.stringify(range)}`, {
      range,
    })
  }
  return { domain: options.domain, clock: options.clock, range: ranges[range], stream: options.stream ?? {} }
}

/** The real transport, with what only it can tell. */
export interface NetworkTransport extends Transport {
  readonly datagram: UdpDatagramLane
  readonly stream: ZeromqStreamLane
}

/**
 * Opens both lanes. Like a `net.Server`, an open transport keeps the process alive; after `close()` nothing of it does.
 * A process that dies without closing leaves nothing behind: no file, no port.
 *
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT, NUMACAST_TRANSPORT
 */
export async function openTransport(options: OpenTransportOptions): Promise<NetworkTransport> {
  const { domain, clock, range, stream: streamOptions } = resolveOpenTransportOptions(options)
  const stream = await ZeromqStreamLane.open({ clock, name: `d${domain}-${process.pid}` }, streamOptions)
  let datagram: UdpDatagramLane
  try {
    datagram = await UdpDatagramLane.open(range)
  } catch (error) {
    await stream.close()
    throw error
  }
  return {
    datagram,
    stream,
    close: async () => {
      await Promise.all([datagram.close(), stream.close()])
    },
  }
}
