import { maxNetworkPaths, type NetworkPath, SubnetFilter } from '../lane/network-path.js'
import { type InterfaceAddress, type InterfaceFacts, InterfaceKind } from './interface-facts.js'

/** What an address of an interface is used for with range `subnet`. */
export const InterfaceUse = {
  /** Always used: participants of one host reach each other there. */
  host: 'host',
  multicastAndStreams: 'multicast and streams',
  streams: 'streams',
  none: 'none',
} as const
export type InterfaceUse = (typeof InterfaceUse)[keyof typeof InterfaceUse]

/** An address of an interface, its use, and the reason for that use. An interface without addresses has one entry. */
export interface RankedInterface {
  readonly name: string
  readonly kind: InterfaceFacts['kind']
  /** IPv4; `null` when the interface has none. */
  readonly address: string | null
  readonly prefixBits: number | null
  readonly speedMbps: number | null
  readonly use: InterfaceUse
  /** Human-readable. */
  readonly reason: string
}

/** Best first. Interfaces between machines come before interfaces between containers of one machine. */
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

/** One address of an interface, or an interface without any. */
interface AddressCandidate {
  readonly facts: InterfaceFacts
  readonly address: InterfaceAddress | undefined
  /** Addresses of the same interface that the kernel lists before this one. */
  readonly earlier: readonly InterfaceAddress[]
}

/**
 * Returns each address of each interface in the order in which they are advertised and dialled. Unused addresses come
 * last. Ties are broken by speed, then by name, so the same machine always gives the same order.
 *
 * @param allowed names or addresses; undefined allows all
 */
export function rankInterfaces(
  facts: readonly InterfaceFacts[],
  allowed: readonly string[] | undefined = undefined,
): RankedInterface[] {
  const judged = facts
    .flatMap(candidatesOf)
    .sort(byPreference)
    .map((candidate) => judge(candidate, allowed))
  const used = judged.filter(({ use }) => use === InterfaceUse.multicastAndStreams || use === InterfaceUse.streams)
  const surplus = new Set(used.slice(maxNetworkPaths))
  const ranked = judged.map((entry) =>
    surplus.has(entry)
      ? { ...entry, use: InterfaceUse.none, reason: `${maxNetworkPaths} better ones are in use already` }
      : entry,
  )
  // A stable sort: within each use the order of preference is kept.
  return ranked.sort((a, b) => usageRank(a.use) - usageRank(b.use))
}

function candidatesOf(facts: InterfaceFacts): AddressCandidate[] {
  const { addresses } = facts
  if (addresses.length === 0) return [{ facts, address: undefined, earlier: [] }]
  return addresses.map((address, index) => ({ facts, address, earlier: addresses.slice(0, index) }))
}

/** Returns the network paths that a ranking selects, best first. */
export function networkPaths(ranked: readonly RankedInterface[]): NetworkPath[] {
  return ranked.flatMap(({ name, address, prefixBits, use }) => {
    if (use !== InterfaceUse.multicastAndStreams && use !== InterfaceUse.streams) return []
    if (address === null || prefixBits === null) return []
    return [{ interfaceName: name, address, prefixBits, multicast: use === InterfaceUse.multicastAndStreams }]
  })
}

/** Returns whether an allow-list entry names this interface. */
export function isNamedBy(entry: string, { name, addresses }: Pick<InterfaceFacts, 'name' | 'addresses'>): boolean {
  return entry === name || addresses.some(({ address }) => address === entry)
}

function judge({ facts, address, earlier }: AddressCandidate, allowed: readonly string[] | undefined): RankedInterface {
  const { name, kind, speedMbps } = facts
  const verdict = (use: InterfaceUse, reason: string): RankedInterface => ({
    name,
    kind,
    address: address?.address ?? null,
    prefixBits: address?.prefixBits ?? null,
    speedMbps,
    use,
    reason,
  })
  if (kind === InterfaceKind.loopback) {
    if (earlier.length > 0) return verdict(InterfaceUse.none, `loopback, where ${earlier[0]?.address} is used`)
    return verdict(InterfaceUse.host, 'loopback: for the participants of this host')
  }
  const isAllowed = (candidate: InterfaceAddress | undefined): boolean =>
    allowed?.some((entry) => entry === name || entry === candidate?.address) ?? true
  if (!isAllowed(address)) return verdict(InterfaceUse.none, 'not among the interfaces that were allowed')
  if (!facts.isUp) return verdict(InterfaceUse.none, 'down')
  if (facts.isEnslaved) return verdict(InterfaceUse.none, 'a port of a bridge or bond, which is used in its place')
  if (address === undefined) return verdict(InterfaceUse.none, 'it has no IPv4 address')
  const sibling = sameSubnet(address, earlier.filter(isAllowed))
  if (sibling !== undefined) return verdict(InterfaceUse.none, `on the subnet of ${sibling.address}, which is used`)
  const isFurther = facts.addresses.some((other) => other !== address && isAllowed(other) && other.prefixBits < 32)
  if (address.prefixBits === 32 && isFurther && !allowed?.includes(address.address))
    return verdict(InterfaceUse.none, 'a single address: its subnet is empty')
  const reason = [kindReason[kind] ?? 'up', ...(isLinkLocal(address) ? ['link-local address'] : [])].join(', ')
  if (!facts.hasMulticast) return verdict(InterfaceUse.streams, `${reason}, without multicast`)
  return verdict(InterfaceUse.multicastAndStreams, reason)
}

/** Returns whether frames sent from both addresses would reach the same neighbors twice. */
function sameSubnet({ address }: InterfaceAddress, earlier: readonly InterfaceAddress[]): InterfaceAddress | undefined {
  return earlier.find(({ address: other, prefixBits }) => {
    return new SubnetFilter([{ interfaceName: '', address: other, prefixBits, multicast: true }]).contains(address)
  })
}

function byPreference(a: AddressCandidate, b: AddressCandidate): number {
  return (
    preference.indexOf(a.facts.kind) - preference.indexOf(b.facts.kind) ||
    Number(isLinkLocal(a.address)) - Number(isLinkLocal(b.address)) ||
    (b.facts.speedMbps ?? 0) - (a.facts.speedMbps ?? 0) ||
    (a.facts.name < b.facts.name ? -1 : a.facts.name > b.facts.name ? 1 : a.earlier.length - b.earlier.length)
  )
}

/** A link-local address (RFC 3927) is self-assigned, so it belongs to no planned network. */
function isLinkLocal(address: InterfaceAddress | undefined): boolean {
  return address?.address.startsWith('169.254.') === true
}

function usageRank(use: InterfaceUse): number {
  if (use === InterfaceUse.host) return 1
  return use === InterfaceUse.none ? 2 : 0
}
