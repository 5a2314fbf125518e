import type { OsInterfaces } from '../../src/transport/lane/os-interfaces.js'
import type { TreeFiles } from '../support/machine-tree.js'

export interface InterfaceSpec {
  readonly flags: number
  readonly operstate?: string
  readonly ifindex: number
  readonly iflink?: number
  readonly devtype?: string
  readonly speed?: number
  /** Entries that only some kinds have: `device`, `bridge`, `wireless`, `bonding`, `tun_flags`, `master`. */
  readonly has?: readonly string[]
  /** Below `/sys/devices`. */
  readonly at?: string
}

/** `/sys/class/net` as Linux lays it out: links into `/sys/devices`. */
export function interfaceFiles(specs: Readonly<Record<string, InterfaceSpec>>): TreeFiles {
  const files: Record<string, string | { readonly link: string } | { readonly directory: true }> = {}
  for (const [name, spec] of Object.entries(specs)) {
    const place = `devices/${spec.at ?? 'virtual'}/net/${name}`
    files[`/sys/class/net/${name}`] = { link: `../../${place}` }
    const folder = `/sys/${place}`
    files[`${folder}/flags`] = `0x${spec.flags.toString(16)}\n`
    files[`${folder}/operstate`] = `${spec.operstate ?? 'up'}\n`
    files[`${folder}/ifindex`] = `${spec.ifindex}\n`
    files[`${folder}/iflink`] = `${spec.iflink ?? spec.ifindex}\n`
    const devtype = spec.devtype === undefined ? '' : `DEVTYPE=${spec.devtype}\n`
    files[`${folder}/uevent`] = `${devtype}INTERFACE=${name}\nIFINDEX=${spec.ifindex}\n`
    if (spec.speed !== undefined) files[`${folder}/speed`] = `${spec.speed}\n`
    for (const entry of spec.has ?? []) files[`${folder}/${entry}`] = { directory: true }
  }
  return files
}

/** As `os.networkInterfaces()` would list them: `name: address/bits`. */
export function addressesOf(specs: Readonly<Record<string, string | readonly string[]>>): OsInterfaces {
  return Object.fromEntries(
    Object.entries(specs).map(([name, cidrs]) => [
      name,
      [cidrs].flat().map((cidr) => ({
        address: cidr.split('/')[0] ?? '',
        cidr,
        netmask: '',
        mac: '02:00:00:00:00:01',
        internal: name === 'lo',
        ...(cidr.includes(':') ? { family: 'IPv6' as const, scopeid: 0 } : { family: 'IPv4' as const }),
      })),
    ]),
  )
}

export const up = 0x1003
export const loopback = { flags: 0x9, operstate: 'unknown', ifindex: 1 }
