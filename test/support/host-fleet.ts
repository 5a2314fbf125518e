import type { Test } from 'tap'
import type { MemberEnvironment, MemberProcess } from '../../src/testing/processes/member-process.js'
import type { MemberSpec } from '../../src/testing/processes/member-spec.js'
import { ProcessFleet } from '../../src/testing/processes/process-fleet.js'
import { Range } from '../../src/transport/lane/range.js'
import { type HostNetwork, networkOf } from './namespaces.js'

/** Each host has sockets of its own, so every fleet can use the same domain. */
const domain = 7

export interface PeerOptions {
  /** @default the name of the host */
  readonly name?: string
  /** @default 'subnet' */
  readonly range?: Range
  readonly peers?: readonly string[]
}

/** A network of hosts, and a fleet of real processes that run on them. */
export interface HostFleet {
  readonly network: HostNetwork
  readonly fleet: ProcessFleet
  /** Starts a participant on that host that writes values of its own and reads those of all peers. */
  peer(host: string, options?: PeerOptions): Promise<MemberProcess>
}

/** Opens hosts until `t` ends. If the machine supports none, skips the test with the reason: undefined. */
export async function hostFleetOf(t: Test, hosts: readonly string[]): Promise<HostFleet | undefined> {
  const network = await networkOf(t, hosts)
  if (network === undefined) return undefined
  const fleet = new ProcessFleet(domain)
  t.teardown(() => fleet.close())
  const peer = (host: string, { name = host, range = Range.subnet, peers = [] }: PeerOptions = {}) => {
    const options: MemberSpec['options'] = { range, peers, insecure: true }
    return fleet.peer(name, { options }, placeOn(network, host))
  }
  return { network, fleet, peer }
}

/** Returns how a process is started on a host, to be given to a {@link ProcessFleet}. */
export function placeOn(network: HostNetwork, host: string): MemberEnvironment {
  const { prefix } = network.host(host).namespace
  return { prefix, forks: true, environment: { NUMACAST_RANGE: 'subnet', NUMACAST_INSECURE: '1' } }
}
