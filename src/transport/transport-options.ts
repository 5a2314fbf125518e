import { invalidArgument } from '../core/errors.js'
import { withoutUndefined } from '../core/options.js'
import type { Random } from '../core/random.js'
import type { Clock } from '../core/time/clock.js'
import { checkDomain } from './lane/port.js'
import { Range } from './lane/range.js'
import type { StreamLaneOptions } from './stream/stream-lane.js'

/** Where streams listen. */
export const StreamReach = {
  /** Loopback only. */
  host: 'host',
  /** In addition, the addresses of the interfaces in use. */
  network: 'network',
} as const
export type StreamReach = (typeof StreamReach)[keyof typeof StreamReach]

export interface OpenTransportOptions {
  /** 0 … 231. Participants of different domains never meet. */
  readonly domain: number
  readonly clock: Clock
  readonly random?: Random
  /** @default 'localhost' */
  readonly range?: Range
  /**
   * Where streams listen. To be reachable for listed peers on other hosts it must be `network`, whatever the range.
   * @default 'network' with range `subnet`, and with range `off` when `insecure`; otherwise 'host'
   */
  readonly streamReach?: StreamReach
  /**
   * Consent to traffic beyond the host without keys: every host of a shared network can read and forge all frames.
   * @default false
   */
  readonly insecure?: boolean
  /**
   * Names or addresses of the interfaces that may be used beyond loopback; undefined: all usable ones. A listed
   * interface that is down now is used when it comes up.
   * @default undefined
   */
  readonly interfaces?: readonly string[] | undefined
  /**
   * A fixed TCP port for requests, for use with a firewall. Live frames use the next port. Only one participant per
   * host can have it. @default 0: any free one
   */
  readonly port?: number
  readonly stream?: StreamLaneOptions
}

export interface ResolvedTransportOptions {
  readonly domain: number
  readonly clock: Clock
  readonly random: Random
  readonly range: Range
  readonly streamReach: StreamReach
  readonly insecure: boolean
  readonly interfaces: readonly string[] | undefined
  readonly port: number
  readonly stream: StreamLaneOptions
}

export const defaultTransportOptions = Object.freeze({
  random: Math.random,
  range: Range.localhost,
  insecure: false,
  interfaces: undefined,
  port: 0,
  stream: Object.freeze({}),
})

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT, also when the host would be left without `insecure` */
export function resolveTransportOptions(options: OpenTransportOptions): ResolvedTransportOptions {
  const given = { ...defaultTransportOptions, ...withoutUndefined(options) }
  const { domain, range, insecure, interfaces, port } = given
  checkDomain(domain)
  mustBeOneOf('range', range, Object.values(Range))
  if (typeof insecure !== 'boolean') throw invalidArgument(`insecure must be true or false, not ${insecure}`)
  const streamReach = given.streamReach ?? defaultStreamReach(range, insecure)
  mustBeOneOf('streamReach', streamReach, Object.values(StreamReach))
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_534)) {
    throw invalidArgument(`port must be an integer from 1 to 65534, or 0 for any free one, not ${port}`, { port })
  }
  if (interfaces !== undefined && !(Array.isArray(interfaces) && interfaces.every(isNamed))) {
    throw invalidArgument('interfaces must be a list of names or addresses of interfaces', { interfaces })
  }
  mustNotLeaveUnasked(range, streamReach, insecure)
  return Object.freeze({ ...given, streamReach, interfaces: interfaces && Object.freeze([...interfaces]) })
}

function defaultStreamReach(range: Range, insecure: boolean): StreamReach {
  const isNetwork = range === Range.subnet || (range === Range.off && insecure)
  return isNetwork ? StreamReach.network : StreamReach.host
}

function mustNotLeaveUnasked(range: Range, streamReach: StreamReach, insecure: boolean): void {
  if (range === Range.subnet && streamReach === StreamReach.host) {
    throw invalidArgument(`range 'subnet' needs streamReach 'network': peers that receive a beacon dial its sender`)
  }
  if (insecure || (range !== Range.subnet && streamReach === StreamReach.host)) return
  const what = range === Range.subnet ? `range '${range}'` : `streamReach '${streamReach}'`
  throw invalidArgument(
    `${what} leaves this host, where numacast cannot protect it yet (there are no keys): every host on the network ` +
      `could read and forge everything. Set insecure: true (or NUMACAST_INSECURE=1) if that is acceptable there`,
    { range, streamReach },
  )
}

function mustBeOneOf(what: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return
  throw invalidArgument(`${what} must be one of ${allowed.join(', ')}, not ${JSON.stringify(value)}`, { [what]: value })
}

function isNamed(entry: unknown): boolean {
  return typeof entry === 'string' && entry !== ''
}
