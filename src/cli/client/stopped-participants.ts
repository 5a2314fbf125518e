import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { mustBeSystemError } from '../../core/error-code.js'

/** A process of this host that is in the domain, and that the kernel does not let run. */
export interface StoppedParticipant {
  readonly pid: number
  /** Its command line, to be known by: what it is in the plane nobody can ask it now. */
  readonly command: string
  /** `stopped`: by SIGSTOP or a debugger. `io-wait`: it waits for a device. */
  readonly why: 'stopped' | 'io-wait'
}

/** `/proc/<pid>/stat`'s letters (proc(5)). */
const whyByState: Readonly<Record<string, StoppedParticipant['why']>> = { T: 'stopped', t: 'stopped', D: 'io-wait' }

/**
 * Whoever joins after a participant was stopped never hears of it; but its stream socket stays bound, under a name
 * that tells its domain and pid. Only processes whose socket can be seen to be their own are named: a pid of another
 * PID namespace means somebody else here. Empty where there is no `/proc`.
 *
 * @param root holds the `proc/` to read
 */
export function stoppedParticipants(domain: number, root = '/'): StoppedParticipant[] {
  const proc = `${root}/proc`
  return [...boundSockets(domain, proc)].flatMap(([pid, inodes]) => {
    const why = whyByState[stateOf(proc, pid)]
    if (why === undefined || !ownsOneOf(proc, pid, inodes)) return []
    return [{ pid, command: commandOf(proc, pid), why }]
  })
}

/** Of the domain's stream sockets (src/transport/stream/zeromq.ts names them): their inodes, by the pid in the name. */
function boundSockets(domain: number, proc: string): Map<number, Set<string>> {
  const found = new Map<number, Set<string>>()
  for (const line of textOf(`${proc}/net/unix`).split('\n')) {
    const [, inode, ofDomain, pid] = /\s(\d+) @numacast-d(\d+)-(\d+)-[0-9a-f]+$/.exec(line) ?? []
    if (inode === undefined || Number(ofDomain) !== domain) continue
    found.set(Number(pid), (found.get(Number(pid)) ?? new Set()).add(inode))
  }
  return found
}

function stateOf(proc: string, pid: number): string {
  const stat = textOf(`${proc}/${pid}/stat`)
  // The command's name stands in parentheses and may itself hold some.
  return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3)
}

function ownsOneOf(proc: string, pid: number, inodes: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`${proc}/${pid}/fd`).some((fd) => {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`${proc}/${pid}/fd/${fd}`)) ?? []
      return inode !== undefined && inodes.has(inode)
    })
  } catch (error) {
    mustBeSystemError(error)
    return false
  }
}

function commandOf(proc: string, pid: number): string {
  return textOf(`${proc}/${pid}/cmdline`).split('\0').join(' ').trim()
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    mustBeSystemError(error)
    return ''
  }
}
