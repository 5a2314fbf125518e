import { invalidArgument } from '../core/errors.js'
import { withoutUndefined } from '../core/options.js'
import {
  defaultLivelinessOptions,
  type LivelinessOptions,
  type ResolvedLivelinessOptions,
  resolveLivelinessOptions,
} from '../liveliness/liveliness-options.js'
import { checkDomain } from '../transport/port.js'
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
}

export type ResolvedParticipantOptions = Required<Omit<ParticipantOptions, 'phi'>> & ResolvedLivelinessOptions

export const defaultParticipantOptions: ResolvedParticipantOptions = Object.freeze({
  domain: 0,
  name: 'participant',
  properties: Object.freeze({}),
  beaconIntervalMs: 500,
  ...defaultLivelinessOptions,
})

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option */
export function resolveParticipantOptions(
  options: ParticipantOptions = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): ResolvedParticipantOptions {
  const fromEnvironment = environment.NUMACAST_DOMAIN
  const resolved = {
    ...defaultParticipantOptions,
    ...(fromEnvironment === undefined || fromEnvironment === '' ? {} : { domain: Number(fromEnvironment) }),
    ...withoutUndefined(options),
  }
  checkDomain(resolved.domain)
  if (!(resolved.beaconIntervalMs >= 10 && resolved.beaconIntervalMs <= 60_000)) {
    throw invalidArgument(`beaconIntervalMs must be 10 to 60000, not ${resolved.beaconIntervalMs}`)
  }
  const liveliness = resolveLivelinessOptions(options, resolved.beaconIntervalMs)
  if (resolved.name.length > 256) throw invalidArgument('name may have 256 characters')
  const properties = propertiesSchema.safeParse(resolved.properties)
  if (!properties.success) {
    throw invalidArgument(`properties must be strings of at most 256 characters, finite numbers, booleans or null`)
  }
  return Object.freeze({ ...resolved, ...liveliness, properties: Object.freeze({ ...resolved.properties }) })
}
