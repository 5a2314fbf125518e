import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** The process exists and is not merely waiting to be reaped. */
export function isRunning(pid: number): boolean {
  const state = statFields(pid)?.[0]
  return state !== undefined && state !== 'Z' && state !== 'X'
}

/** Pids of the processes that `pid` has started and that still run. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => statFields(candidate)?.[1] === String(pid) && isRunning(candidate))
}

/** Names in the abstract socket namespace that the processes have bound. */
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

/** What follows the command's name in /proc/<pid>/stat: state, parent, … */
function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}
