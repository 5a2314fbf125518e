import { readFileSync, statSync } from 'node:fs'
import os from 'node:os'
import { mustBeSystemError } from '../../core/error-code.js'

export interface HostIdentity {
  /** The kernel's boot id: the same in every container of one machine, another after a reboot. `null` off Linux. */
  readonly bootId: string | null
  readonly hostname: string
}

/** Which machine this is. Two processes are on the same host when their boot ids are equal. */
export function hostIdentity(): HostIdentity {
  return { bootId: readBootId(), hostname: os.hostname() }
}

/** Inode of this process's PID namespace: pids can be compared where it is equal. `null` off Linux. */
export function pidNamespace(): number | null {
  return namespaceInode('pid')
}

/** Inode of this process's network namespace: loopback and `ipc://` reach only where it is equal. `null` off Linux. */
export function networkNamespace(): number | null {
  return namespaceInode('net')
}

function namespaceInode(kind: string): number | null {
  try {
    return statSync(`/proc/self/ns/${kind}`).ino
  } catch (error) {
    mustBeSystemError(error)
    return null
  }
}

function readBootId(): string | null {
  try {
    const text = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return text === '' ? null : text
  } catch (error) {
    mustBeSystemError(error)
    return null
  }
}
