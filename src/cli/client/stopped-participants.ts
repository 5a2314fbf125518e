import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { mustBeSystemError } from '../../core/error-code.js'
import { isPid } from '../../topology/addon/pid.js'
import { readFreezer } from '../../topology/cgroup/freezer.js'

/** A process of this host that is in the domain, and that the kernel does not let run. */
export interface StoppedParticipant {
  readonly pid: number
  /** Its command line. It cannot be asked for its role now. */
  readonly command: string
  /** `stopped`: by SIGSTOP or a debugger. `io-wait`: it waits for a device. `frozen`: its container is paused. */
  readonly why: 'stopped' | 'io-wait' | 'frozen'
}

/** The letters of `/proc/<pid>/stat` (proc(5)). */
const whyByState: Readonly<Record<string, StoppedParticipant['why']>> = { T: 'stopped', t: 'stopped', D: 'io-wait' }

/**
 * Lists the participants of this host that are stopped. A participant that joins later never receives a frame of them;
 * but their stream sockets stay bound, under a name that tells domain and pid. Only processes whose socket can be seen
 * to be their own are listed: a pid of another PID namespace names another process here. Empty where there is no `/proc`.
 *
 * @param root holds the `proc/` to read
 */
export function stoppedParticipants(domain: number, root = '/'): StoppedParticipant[] {
  const proc = `${root}/proc`
  return [...boundSockets(domain, proc)].flatMap(([pid, inodes]) => {
    const state = stateOf(proc, pid)
    const why = state !== 'R' && isFrozen(root, pid) ? 'frozen' : whyByState[state]
    if (why === undefined || !ownsOneOf(proc, pid, inodes)) return []
    return [{ pid, command: commandOf(proc, pid), why }]
  })
}

function isFrozen(root: string, pid: number): boolean {
  return isPid(pid) && readFreezer({ root, pid }).frozen === true
}

/** Returns the inodes of the domain's stream sockets, by the pid in their names (src/transport/stream/zeromq.ts). */
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
