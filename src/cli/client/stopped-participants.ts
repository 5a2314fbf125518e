import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import os from 'node:os'
import { mustBeSystemError } from '../../core/error-code.js'
import { isPid } from '../../topology/addon/pid.js'
import { readFreezer } from '../../topology/cgroup/freezer.js'
import { maxPortOffset, multicastAddressOf, portOf } from '../../transport/lane/port.js'

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
 * but their sockets stay bound, at ports that only the domain uses. Participants of other network and PID namespaces, and
 * of range `off`, are not listed. Empty where there is no `/proc`.
 *
 * @param root holds the `proc/` to read
 */
export function stoppedParticipants(domain: number, root = '/'): StoppedParticipant[] {
  const proc = `${root}/proc`
  const inodes = domainSockets(domain, proc)
  if (inodes.size === 0) return []
  return pidsOf(proc).flatMap((pid) => {
    const state = stateOf(proc, pid)
    const why = state !== 'R' && isFrozen(root, pid) ? 'frozen' : whyByState[state]
    if (why === undefined || !ownsOneOf(proc, pid, inodes)) return []
    return [{ pid, command: commandOf(proc, pid), why }]
  })
}

function isFrozen(root: string, pid: number): boolean {
  return isPid(pid) && readFreezer({ root, pid }).frozen === true
}

function pidsOf(proc: string): number[] {
  try {
    return readdirSync(proc)
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  } catch (error) {
    mustBeSystemError(error)
    return []
  }
}

/** Returns the inodes of the sockets that receive the domain's multicast. */
function domainSockets(domain: number, proc: string): Set<string> {
  const address = multicastAddressOf(domain)
  const [first, last] = [portOf(domain, 0), portOf(domain, maxPortOffset)]
  const inodes = new Set<string>()
  for (const line of textOf(`${proc}/net/udp`).split('\n').slice(1)) {
    const [, local = '', , , , , , , , inode = '0'] = line.trim().split(/\s+/)
    const [host = '', port = ''] = local.split(':')
    const number = Number.parseInt(port, 16)
    if (inode !== '0' && number >= first && number <= last && dotted(host) === address) inodes.add(inode)
  }
  return inodes
}

/** The kernel prints the four bytes of an address in the machine's order. */
function dotted(hex: string): string {
  const bytes = Buffer.from(hex, 'hex')
  return (os.endianness() === 'LE' ? bytes.reverse() : bytes).join('.')
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
