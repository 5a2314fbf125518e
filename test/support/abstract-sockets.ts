import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Returns the abstract socket names that the processes have bound. */
export function abstractSocketsOf(pids: readonly number[]): string[] {
  const inodes = new Set(pids.flatMap(socketInodes))
  return abstractSockets()
    .filter(({ inode }) => inodes.has(inode))
    .map(({ name }) => name)
}

export function boundAbstractSockets(): Set<string> {
  return new Set(abstractSockets().map(({ name }) => name))
}

function abstractSockets(): { inode: string; name: string }[] {
  return readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .map((line) => line.split(/\s+/))
    .flatMap(([, , , , , , inode, name]) => (inode !== undefined && name?.startsWith('@') ? [{ inode, name }] : []))
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
