import { readdirSync, readFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import path from 'node:path'
import { errorCode, mustBeSystemError } from '../../core/error-code.js'
import { NumacastError } from '../../core/errors.js'
import { isPassing, listOsInterfaces, type OsInterfaces } from '../lane/os-interfaces.js'

/** What kind of thing an interface is; `unknown` where there is no sysfs. */
export const InterfaceKind = {
  loopback: 'loopback',
  /** A device of the machine: a network card, or what the hypervisor shows as one. */
  physical: 'physical',
  wireless: 'wireless',
  /** Several cards as one, or a VLAN on one. */
  aggregate: 'aggregate',
  /** One end of a pair: the other end is in another network namespace, of a container as a rule. */
  veth: 'veth',
  bridge: 'bridge',
  /** Point to point through something else: WireGuard, tun, GRE, … */
  tunnel: 'tunnel',
  /** macvlan, dummy, ifb, … */
  virtual: 'virtual',
  unknown: 'unknown',
} as const
export type InterfaceKind = (typeof InterfaceKind)[keyof typeof InterfaceKind]

/** What is known of one network interface. */
export interface InterfaceFacts {
  readonly name: string
  readonly kind: InterfaceKind
  /** Administratively up, and with a carrier where that can be known. */
  readonly isUp: boolean
  readonly hasMulticast: boolean
  /** It is a port of a bridge or of a bond, which owns the addresses. */
  readonly isEnslaved: boolean
  /** Megabits per second; `null` where the driver does not say. */
  readonly speedMbps: number | null
  /** IPv4, in the kernel's order: the first is the primary one. */
  readonly addresses: readonly InterfaceAddress[]
}

export interface InterfaceAddress {
  readonly address: string
  readonly prefixBits: number
}

export interface InterfaceFactsOptions {
  /** Holds the `sys/` to read. @default '/' */
  readonly root?: string
  /** @default os.networkInterfaces() */
  readonly addresses?: OsInterfaces
}

/** Interface flags (linux/if.h). */
const flagUp = 0x1
const flagLoopback = 0x8
const flagPointToPoint = 0x10
const flagMulticast = 0x1000

/** Kinds by `DEVTYPE` of `uevent`, which the driver sets. */
const kindByDevtype: Readonly<Record<string, InterfaceKind>> = {
  bond: InterfaceKind.aggregate,
  bridge: InterfaceKind.bridge,
  vlan: InterfaceKind.aggregate,
  wlan: InterfaceKind.wireless,
  wireguard: InterfaceKind.tunnel,
}

/**
 * Returns every interface of the machine (or of a captured tree), in no particular order.
 *
 * @throws NumacastError NUMACAST_UNAVAILABLE when the process may not list them; NUMACAST_TRANSPORT when it cannot now,
 * for example because it has no descriptor left
 */
export function readInterfaceFacts(options: InterfaceFactsOptions = {}): InterfaceFacts[] {
  const folder = path.join(options.root ?? '/', 'sys/class/net')
  const given = byInterface(options.addresses ?? listOsInterfaces())
  const names = new Set([...listInterfaces(folder), ...given.keys()])
  return [...names].map((name) => factsOf(name, path.join(folder, name), given.get(name) ?? []))
}

type GivenAddresses = NonNullable<OsInterfaces[string]>

/** A further address may go by a label of its own, `eth0:1`. */
function byInterface(given: OsInterfaces): Map<string, GivenAddresses> {
  const byName = new Map<string, GivenAddresses>()
  for (const [label, addresses = []] of Object.entries(given)) {
    const name = label.split(':')[0] ?? label
    byName.set(name, [...(byName.get(name) ?? []), ...addresses])
  }
  return byName
}

function factsOf(name: string, folder: string, given: GivenAddresses): InterfaceFacts {
  const addresses = given
    .filter(({ family, address }) => family === 'IPv4' && isIPv4(address))
    .map(({ address, cidr }) => ({ address, prefixBits: Number(cidr?.split('/')[1] ?? 32) }))
  const flags = Number(readText(folder, 'flags') ?? Number.NaN)
  if (!Number.isInteger(flags)) {
    // No sysfs: what the OS lists is up, and nothing says that it lacks multicast.
    const kind = given.some(({ internal }) => internal) ? InterfaceKind.loopback : InterfaceKind.unknown
    const isUp = given.length > 0
    return { name, kind, isUp, hasMulticast: true, isEnslaved: false, speedMbps: null, addresses }
  }
  const speed = Number(readText(folder, 'speed') ?? -1)
  return {
    name,
    kind: kindOf(folder, flags),
    // What the OS lists is up and running: it filters.
    isUp: given.length > 0 || ((flags & flagUp) !== 0 && hasCarrier(readText(folder, 'operstate'))),
    hasMulticast: (flags & flagMulticast) !== 0,
    isEnslaved: listFolder(folder).includes('master'),
    speedMbps: Number.isInteger(speed) && speed > 0 ? speed : null,
    addresses,
  }
}

/** Drivers that do not track it say `unknown` (operstates.rst of the kernel's documentation). */
function hasCarrier(operstate: string | undefined): boolean {
  return operstate === undefined || operstate === 'up' || operstate === 'unknown' || operstate === 'dormant'
}

function kindOf(folder: string, flags: number): InterfaceKind {
  if ((flags & flagLoopback) !== 0) return InterfaceKind.loopback
  const entries = listFolder(folder)
  if (entries.includes('bridge')) return InterfaceKind.bridge
  if (entries.includes('wireless') || entries.includes('phy80211')) return InterfaceKind.wireless
  if (entries.includes('bonding')) return InterfaceKind.aggregate
  const devtype = /^DEVTYPE=(.*)$/m.exec(readText(folder, 'uevent') ?? '')?.[1]
  const byDevtype = devtype === undefined ? undefined : kindByDevtype[devtype]
  if (byDevtype !== undefined) return byDevtype
  if ((flags & flagPointToPoint) !== 0 || entries.includes('tun_flags')) return InterfaceKind.tunnel
  if (entries.includes('device')) return InterfaceKind.physical
  // A veth has no DEVTYPE, and its peer's index in `iflink` instead of its own.
  const isPaired = readText(folder, 'iflink') !== readText(folder, 'ifindex')
  return devtype === undefined && isPaired ? InterfaceKind.veth : InterfaceKind.virtual
}

/** Links to devices; `bonding_masters`, a plain file, is none. */
function listInterfaces(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true })
    return entries.filter((entry) => !entry.isFile()).map(({ name }) => name)
  } catch (error) {
    mustBeAbsent(error, folder)
    return [] // no sysfs
  }
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    mustBeAbsent(error, folder)
    return [] // gone meanwhile
  }
}

function readText(folder: string, name: string): string | undefined {
  try {
    return readFileSync(path.join(folder, name), 'utf8').trim()
  } catch (error) {
    mustBeAbsent(error, folder)
    return undefined // `speed` of an interface that is down, for one, is EINVAL
  }
}

/** A file that cannot be opened now is not absent: taken as such, it would change what the interface is used for. */
function mustBeAbsent(error: unknown, folder: string): void {
  mustBeSystemError(error)
  const code = errorCode(error)
  if (!isPassing(code)) return
  throw new NumacastError('NUMACAST_TRANSPORT', `cannot read ${folder} now (${code})`, { cause: error })
}
