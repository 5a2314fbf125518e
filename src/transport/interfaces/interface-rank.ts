import { maxNetworkPaths, type NetworkPath } from '../lane/network-path.js'
import { type InterfaceFacts, InterfaceKind } from './interface-facts.js'

/** What an interface is used for with range `subnet`. */
export const InterfaceUse = {
  /** Always: participants of one host hear each other there. */
  host: 'host',
  multicastAndStreams: 'multicast and streams',
  streams: 'streams',
  none: 'none',
} as const
export type InterfaceUse = (typeof InterfaceUse)[keyof typeof InterfaceUse]

/** An interface, what it is used for, and why. */
export interface RankedInterface {
  readonly name: string
  readonly kind: InterfaceFacts['kind']
  /** The address that is used and advertised; `null` when there is none. */
  readonly address: string | null
  readonly prefixBits: number | null
  readonly speedMbps: number | null
  readonly use: InterfaceUse
  /** For people. */
  readonly reason: string
}

/** Best first. What connects machines comes before what connects containers of one machine. */
const preference: readonly InterfaceFacts['kind'][] = [
  InterfaceKind.aggregate,
  InterfaceKind.physical,
  InterfaceKind.unknown,
  InterfaceKind.wireless,
  InterfaceKind.virtual,
  InterfaceKind.tunnel,
  InterfaceKind.veth,
  InterfaceKind.bridge,
  InterfaceKind.loopback,
]

const kindReason: Partial<Record<InterfaceFacts['kind'], string>> = {
  [InterfaceKind.aggregate]: 'a bond or VLAN',
  [InterfaceKind.physical]: 'a network card',
  [InterfaceKind.wireless]: 'a wireless card, slower and lossier than a wired one',
  [InterfaceKind.virtual]: 'virtual',
  [InterfaceKind.tunnel]: 'a tunnel',
  [InterfaceKind.veth]: 'one end of a pair, as containers have',
  [InterfaceKind.bridge]: 'a bridge, as for containers and virtual machines of this host',
}

/**
 * The interfaces in the order in which they are advertised and dialled, those that are not used last. Ties are broken
 * by speed, then by name, so the same machine always gives the same order.
 *
 * @param allowed names or addresses; undefined allows all
 */
export function rankInterfaces(
  facts: readonly InterfaceFacts[],
  allowed: readonly string[] | undefined = undefined,
): RankedInterface[] {
  const judged = [...facts].sort(byPreference).map((interface_) => judge(interface_, allowed))
  const used = judged.filter(({ use }) => use === InterfaceUse.multicastAndStreams || use === InterfaceUse.streams)
  const surplus = new Set(used.slice(maxNetworkPaths))
  const ranked = judged.map((interface_) =>
    surplus.has(interface_)
      ? { ...interface_, use: InterfaceUse.none, reason: `${maxNetworkPaths} better ones are in use already` }
      : interface_,
  )
  // Stable: within each use the preference stays.
  return ranked.sort((a, b) => usageRank(a.use) - usageRank(b.use))
}

/** The ways out of the host that a ranking leaves, best first. */
export function networkPaths(ranked: readonly RankedInterface[]): NetworkPath[] {
  return ranked.flatMap(({ name, address, prefixBits, use }) => {
    if (use !== InterfaceUse.multicastAndStreams && use !== InterfaceUse.streams) return []
    if (address === null || prefixBits === null) return []
    return [{ interfaceName: name, address, prefixBits, multicast: use === InterfaceUse.multicastAndStreams }]
  })
}

/** Whether an allow-list's entry means this interface. */
export function isNamedBy(entry: string, { name, addresses }: Pick<InterfaceFacts, 'name' | 'addresses'>): boolean {
  return entry === name || addresses.some(({ address }) => address === entry)
}

function judge(facts: InterfaceFacts, allowed: readonly string[] | undefined): RankedInterface {
  const { name, kind, speedMbps, addresses } = facts
  const chosen = addresses.find(({ address }) => allowed?.includes(address)) ?? addresses[0]
  const verdict = (use: InterfaceUse, reason: string): RankedInterface => ({
    name,
    kind,
    address: chosen?.address ?? null,
    prefixBits: chosen?.prefixBits ?? null,
    speedMbps,
    use,
    reason,
  })
  if (kind === InterfaceKind.loopback) return verdict(InterfaceUse.host, 'loopback: for the participants of this host')
  if (allowed !== undefined && !allowed.some((entry) => isNamedBy(entry, facts))) {
    return verdict(InterfaceUse.none, 'not among the interfaces that were allowed')
  }
  if (!facts.isUp) return verdict(InterfaceUse.none, 'down')
  if (facts.isEnslaved) return verdict(InterfaceUse.none, 'a port of a bridge or bond, which is used in its place')
  if (chosen === undefined) return verdict(InterfaceUse.none, 'it has no IPv4 address')
  const reason = [kindReason[kind] ?? 'up', ...(isLinkLocal(facts) ? ['link-local address'] : [])].join(', ')
  if (!facts.hasMulticast) return verdict(InterfaceUse.streams, `${reason}, without multicast`)
  return verdict(InterfaceUse.multicastAndStreams, reason)
}

function byPreference(a: InterfaceFacts, b: InterfaceFacts): number {
  return (
    preference.indexOf(a.kind) - preference.indexOf(b.kind) ||
    Number(isLinkLocal(a)) - Number(isLinkLocal(b)) ||
    (b.speedMbps ?? 0) - (a.speedMbps ?? 0) ||
    (a.name < b.name ? -1 : 1)
  )
}

/** An address that nobody assigned (RFC 3927): there, but no network that somebody planned. */
function isLinkLocal({ addresses }: InterfaceFacts): boolean {
  return addresses[0]?.address.startsWith('169.254.') === true
}

function usageRank(use: InterfaceUse): number {
  if (use === InterfaceUse.host) return 1
  return use === InterfaceUse.none ? 2 : 0
}
