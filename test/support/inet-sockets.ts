import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** A TCP or UDP socket over IPv4 of this network namespace. */
export interface InetSocket {
  readonly inode: string
  /** Where it is bound. */
  readonly address: string
  readonly port: number
}

/** Returns the TCP and UDP sockets that the processes have open. */
export function inetSocketsOf(pids: readonly number[]): InetSocket[] {
  const inodes = new Set(pids.flatMap(socketInodes))
  return [...inetSockets('tcp'), ...inetSockets('udp')].filter(({ inode }) => inodes.has(inode))
}

/** Returns the inodes of all open sockets. */
export function openInodes(): Set<string> {
  return new Set([...inetSockets('tcp'), ...inetSockets('udp')].map(({ inode }) => inode))
}

export function inetSockets(protocol: 'tcp' | 'udp'): InetSocket[] {
  return readFileSync(`/proc/net/${protocol}`, 'utf8')
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', , , , , , , , inode = ''] = line.trim().split(/\s+/)
      const [address, port] = local.split(':')
      if (address === undefined || port === undefined || inode === '' || inode === '0') return []
      return [{ inode, address: dotted(address), port: Number.parseInt(port, 16) }]
    })
}

/** The kernel prints the four bytes in the machine's order. */
function dotted(hex: string): string {
  const bytes = Buffer.from(hex, 'hex')
  return new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? bytes.reverse().join('.') : bytes.join('.')
}

function socketInodes(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? []
      return inode === undefined ? [] : [inode]
    } catch {
      return [] // closed since the directory was read
    }
  })
}
