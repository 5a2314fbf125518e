import { readdirSync, readFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import path from 'node:path'
import { errorCode, isTransient, mustBeSystemError } from '../../core/error-code.js'
import { NumacastError } from '../../core/errors.js'
import { listOsInterfaces, type OsInterfaces } from '../lane/os-interfaces.js'

/** The kind of an interface; `unknown` without sysfs. */
export const InterfaceKind = {
  loopback: 'loopback',
  /** A hardware device: a network card, or a virtual card presented by the hypervisor. */
  physical: 'physical',
  wireless: 'wireless',
  /** Several cards bonded into one, or a VLAN. */
  aggregate: 'aggregate',
  /** One end of a pair. The other end is usually in a container's network namespace. */
  veth: 'veth',
  bridge: 'bridge',
  /** A point-to-point tunnel: WireGuard, tun, GRE, … */
  tunnel: 'tunnel',
  /** macvlan, dummy, ifb, … */
  virtual: 'virtual',
  unknown: 'unknown',
} as const
export type InterfaceKind = (typeof InterfaceKind)[keyof typeof InterfaceKind]

/** The properties of one network interface. */
export interface InterfaceFacts {
  readonly name: string
  readonly kind: InterfaceKind
  /** Administratively up, and with a carrier if that is known. */
  readonly isUp: boolean
  readonly hasMulticast: boolean
  /** Whether it is a port of a bridge or bond, which owns the addresses. */
  readonly isEnslaved: boolean
  /** Megabits per second; `null` if the driver does not report it. */
  readonly speedMbps: number | null
  /** IPv4, in the kernel's order: the first is the primary one. */
  readonly addresses: readonly InterfaceAddress[]
}

export interface InterfaceAddress {
  readonly address: string
  readonly prefixBits: number
}

export interface InterfaceFactsOptions {
  /** The root folder that contains `sys/`. @default '/' */
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
 * @throws NumacastError NUMACAST_UNAVAILABLE if the process may not list them; NUMACAST_TRANSPORT if listing fails
 * temporarily, for example without a free descriptor
 */
export function readInterfaceFacts(options: InterfaceFactsOptions = {}): InterfaceFacts[] {
  const folder = path.join(options.root ?? '/', 'sys/class/net')
  const given = byInterface(options.addresses ?? listOsInterfaces())
  const names = new Set([...listInterfaces(folder), ...given.keys()])
  return [...names].map((name) => factsOf(name, path.join(folder, name), given.get(name) ?? []))
}

type GivenAddresses = NonNullable<OsInterfaces[string]>

/** A secondary address may have its own label, `eth0:1`. */
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
    // Without sysfs, every interface that the OS lists is assumed to be up and multicast-capable.
    const kind = given.some(({ internal }) => internal) ? InterfaceKind.loopback : InterfaceKind.unknown
    const isUp = given.length > 0
    return { name, kind, isUp, hasMulticast: true, isEnslaved: false, speedMbps: null, addresses }
  }
  const speed = Number(readText(folder, 'speed') ?? -1)
  return {
    name,
    kind: kindOf(folder, flags),
    // The OS lists only interfaces that are up and running.
    isUp: given.length > 0 || ((flags & flagUp) !== 0 && hasCarrier(readText(folder, 'operstate'))),
    hasMulticast: (flags & flagMulticast) !== 0,
    isEnslaved: listFolder(folder).includes('master'),
    speedMbps: Number.isInteger(speed) && speed > 0 ? speed : null,
    addresses,
  }
}

/** Drivers that do not track it report `unknown` (operstates.rst of the kernel's documentation). */
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
  // A veth has no DEVTYPE, and its `iflink` holds the peer's index instead of its own.
  const isPaired = readText(folder, 'iflink') !== readText(folder, 'ifindex')
  return devtype === undefined && isPaired ? InterfaceKind.veth : InterfaceKind.virtual
}

/** Entries of sysfs that are links to devices. `bonding_masters`, a plain file, is not one of them. */
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
    return [] // removed in the meantime
  }
}

function readText(folder: string, name: string): string | undefined {
  try {
    return readFileSync(path.join(folder, name), 'utf8').trim()
  } catch (error) {
    mustBeAbsent(error, folder)
    return undefined // for example, reading `speed` of an interface that is down fails with EINVAL
  }
}

/** A temporary failure to open a file must not be read as absence, or the interface's use would change. */
function mustBeAbsent(error: unknown, folder: string): void {
  mustBeSystemError(error)
  const code = errorCode(error)
  if (!isTransient(code)) return
  throw new NumacastError('NUMACAST_TRANSPORT', `cannot read ${folder} now (${code})`, { cause: error })
}
