import { invalidArgument } from '../core/errors.js'
import { withoutUndefined } from '../core/options.js'
import type { Logger } from '../core/reporting/logger.js'
import { checkDurationMs } from '../core/time/duration.js'
import { isLoopback, parseListedPeers } from '../discovery/listed-peer.js'
import {
  defaultLivelinessOptions,
  type LivelinessOptions,
  type ResolvedLivelinessOptions,
  resolveLivelinessOptions,
} from '../liveliness/liveliness-options.js'
import { checkDomain } from '../transport/lane/port.js'
import { Range } from '../transport/lane/range.js'
import { type Properties, propertiesSchema } from '../wire/descriptor.js'

export interface ParticipantOptions extends LivelinessOptions {
  /** 0 … 231; participants of different domains never meet. @default $NUMACAST_DOMAIN, or 0 */
  readonly domain?: number
  /** For people. @default 'participant' */
  readonly name?: string
  /** Facts that every peer is told: role, worker id, … At most 256 characters each. @default {} */
  readonly properties?: Properties
  /** Between beacons, give or take 10 %. @default 500 */
  readonly beaconIntervalMs?: number
  /**
   * How far its multicast reaches: `localhost`, `subnet` (the subnets of its interfaces) or `off` (no multicast at all).
   * Beyond the host `insecure` must be set. @default $NUMACAST_RANGE, or 'localhost'
   */
  readonly range?: Range
  /**
   * Permits traffic beyond the host although there are no keys yet: every machine of a shared network can then read all
   * data and send in the name of any participant. @default $NUMACAST_INSECURE is 1
   */
  readonly insecure?: boolean
  /**
   * Names or addresses of the interfaces that it may use beyond loopback; undefined: all that are usable.
   * @default $NUMACAST_INTERFACES, separated by commas, or undefined
   */
  readonly interfaces?: readonly string[] | undefined
  /** A fixed TCP port for requests; live frames then have the next one. 0: any free ones. @default 0 */
  readonly port?: number
  /**
   * Where peers beyond multicast may be found: `host` (at its rendezvous port, 7400 + 250 · domain), `host:port`,
   * `[IPv6 address]:port`; of a name all its addresses. Beyond loopback `insecure` must be set.
   * @default $NUMACAST_PEERS, separated by commas, or []
   */
  readonly peers?: readonly string[]
  /** An unreachable peer is forgotten after this time; `Infinity`: never. @default 600000 */
  readonly forgetUnreachableMs?: number
  /**
   * Peers held at once. When all places are taken, newcomers get those of peers that have been silent for a minute or
   * longer, the longest first. @default 16384
   */
  readonly maxPeers?: number
  /**
   * Logs what numacast caught: an error of a listener or a policy, a failed operation. One of pino fits as it is.
   * @default undefined: nothing is logged; the first error of each kind of callback is a warning of the process
   */
  readonly logger?: Logger | undefined
}

export interface JoinOptions extends ParticipantOptions {
  /** Closes the participant when it aborts; also ends the joining. @default none */
  readonly signal?: AbortSignal
}

export type ResolvedParticipantOptions = Required<Omit<ParticipantOptions, 'phi'>> & ResolvedLivelinessOptions

export const defaultParticipantOptions: ResolvedParticipantOptions = Object.freeze({
  domain: 0,
  name: 'participant',
  properties: Object.freeze({}),
  beaconIntervalMs: 500,
  peers: Object.freeze([]),
  forgetUnreachableMs: 600_000,
  maxPeers: 16_384,
  ...defaultLivelinessOptions,
  range: Range.localhost,
  insecure: false,
  interfaces: undefined,
  port: 0,
  logger: undefined,
})

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option */
export function resolveParticipantOptions(
  options: ParticipantOptions = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): ResolvedParticipantOptions {
  const resolved = {
    ...defaultParticipantOptions,
    ...optionsOf(environment),
    ...withoutUndefined(options),
  }
  checkDomain(resolved.domain)
  checkDurationMs('beaconIntervalMs', resolved.beaconIntervalMs, { leastMs: 10, mostMs: 60_000 })
  checkDurationMs('forgetUnreachableMs', resolved.forgetUnreachableMs, { exclusive: true, allowInfinity: true })
  if (!Number.isSafeInteger(resolved.maxPeers) || resolved.maxPeers < 1) {
    throw invalidArgument(`maxPeers must be an integer from 1, not ${resolved.maxPeers}`)
  }
  const listed = parseListedPeers(resolved.peers)
  if (!resolved.insecure && !listed.every(isLoopback)) {
    throw invalidArgument(
      `peers ${resolved.peers.join(', ')} leave this host, where numacast cannot protect it yet (there are no keys). ` +
        'Set insecure: true (or NUMACAST_INSECURE=1) if that is acceptable there',
    )
  }
  const liveliness = resolveLivelinessOptions(options, resolved.beaconIntervalMs)
  if (resolved.name.length > 256) throw invalidArgument('name may have 256 characters')
  const properties = propertiesSchema.safeParse(resolved.properties)
  if (!properties.success) {
    throw invalidArgument(`properties must be strings of at most 256 characters, finite numbers, booleans or null`)
  }
  return Object.freeze({ ...resolved, ...liveliness, properties: Object.freeze({ ...resolved.properties }) })
}

/** An option as a shell or a service manager sets it; an empty one is none. */
function optionsOf(environment: Readonly<Record<string, string | undefined>>): ParticipantOptions {
  const { NUMACAST_DOMAIN, NUMACAST_RANGE, NUMACAST_INSECURE, NUMACAST_INTERFACES, NUMACAST_PEERS } = environment
  return {
    ...(isSet(NUMACAST_DOMAIN) && { domain: Number(NUMACAST_DOMAIN) }),
    // Checked where all ranges are known: whatever else it may be is refused there.
    ...(isSet(NUMACAST_RANGE) && { range: NUMACAST_RANGE as Range }),
    ...(isSet(NUMACAST_INSECURE) && { insecure: NUMACAST_INSECURE === '1' }),
    ...(isSet(NUMACAST_INTERFACES) && { interfaces: listOf(NUMACAST_INTERFACES) }),
    ...(isSet(NUMACAST_PEERS) && { peers: listOf(NUMACAST_PEERS) }),
  }
}

function isSet(text: string | undefined): text is string {
  return text !== undefined && text !== ''
}

function listOf(text: string): string[] {
  return text.split(',').map((name) => name.trim())
}
