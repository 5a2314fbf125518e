import { createHash, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { errorCode, isTransient, mustBeSystemError } from '../../core/error-code.js'
import { NumacastError } from '../../core/errors.js'

/** What a host's identity was taken from, the best first. */
export const HostIdentitySource = {
  /** The kernel's boot id: the same in every container of one machine, another after a reboot. */
  bootId: 'boot-id',
  /**
   * A boot id that a container runtime mounted over the kernel's (systemd-nspawn, LXC). It is unique, but the host and
   * its other containers have others: processes here look like processes of a host of their own.
   */
  containerBootId: 'container-boot-id',
  /**
   * The boot id is hidden (`ProcSubset=pid`), or this is not Linux. The identity is a hash of machine id, host name and
   * hardware addresses: processes of this host that cannot read the boot id either share it, other processes do not.
   */
  machineId: 'machine-id',
  /**
   * The boot id is hidden, and nothing here is known to differ between hosts: a random identity, of this process alone.
   * No other process counts as one of the same host.
   */
  random: 'random',
} as const
export type HostIdentitySource = (typeof HostIdentitySource)[keyof typeof HostIdentitySource]

export interface HostIdentity {
  /**
   * Names the host in descriptors and keys; two processes are on the same host when theirs are equal. Never the same
   * on two hosts, whatever the source. The first eight characters suffice to tell hosts apart.
   */
  readonly id: string
  readonly source: HostIdentitySource
  /** The kernel's boot id; `null` where it cannot be read. */
  readonly bootId: string | null
  readonly hostname: string
}

export interface HostIdentityOptions {
  /**
   * Directory that stands for `/`.
   * @default '/'
   */
  readonly root?: string
  /** @default os.hostname() */
  readonly hostname?: string
  /** @default this process's PID namespace */
  readonly pidNamespace?: number | null
  /** @default process.platform */
  readonly platform?: string
}

const bootIdFile = '/proc/sys/kernel/random/boot_id'
/** Inode of the first PID namespace: PROC_PID_INIT_INO of linux/proc_ns.h. */
const initialPidNamespace = 0xeffffffc
const randomIdentity = randomUUID()

/**
 * Returns which host this is. Where the boot id is hidden the answer is a fallback, and `source` names it: processes
 * of one host may then have different identities, and do not count as processes of one host.
 *
 * @throws NumacastError NUMACAST_UNAVAILABLE if the identity cannot be read now, for example without a free descriptor
 */
export function hostIdentity(options: HostIdentityOptions = {}): HostIdentity {
  const { root = '/', hostname = os.hostname(), platform = process.platform } = options
  const bootId = readText(path.join(root, bootIdFile))
  if (bootId !== null) {
    const source = isMountPoint(root, bootIdFile) ? HostIdentitySource.containerBootId : HostIdentitySource.bootId
    return { id: bootId, source, bootId, hostname }
  }
  const namespace = options.pidNamespace === undefined ? pidNamespace() : options.pidNamespace
  const facts = platform === 'linux' ? linuxFacts(root, namespace) : otherFacts()
  const source = facts === null ? HostIdentitySource.random : HostIdentitySource.machineId
  const id = facts === null ? randomIdentity : hashed([hostname, ...facts])
  return { id, source, bootId: null, hostname }
}

/** Returns the inode of this process's PID namespace: pids can be compared where it is equal. `null` off Linux. */
export function pidNamespace(): number | null {
  return namespaceInode('pid')
}

/**
 * Returns the inode of this process's network namespace: loopback reaches only where it is equal. `null` off Linux.
 */
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

/**
 * Container images carry a machine id that many hosts have, and container runtimes derive hardware addresses from
 * addresses. So these facts count only in the first PID namespace, where services of the host itself run.
 */
function linuxFacts(root: string, namespace: number | null): string[] | null {
  if (namespace !== initialPidNamespace) return null
  const machineId = readText(path.join(root, '/etc/machine-id'))
  if (machineId === null || !/^[0-9a-f]{32}$/.test(machineId) || /^0+$/.test(machineId)) return null
  return [machineId, ...deviceAddresses(root)]
}

/** Hardware addresses of network devices. Virtual interfaces have no `device`; they come and go. */
function deviceAddresses(root: string): string[] {
  const folder = path.join(root, '/sys/class/net')
  return entriesOf(folder)
    .filter((name) => entriesOf(path.join(folder, name, 'device')).length > 0)
    .map((name) => readText(path.join(folder, name, 'address')))
    .filter((address) => address !== null)
    .sort()
}

/** Off Linux: the hardware address of the first interface that has one. */
function otherFacts(): string[] | null {
  try {
    const [, addresses] =
      Object.entries(os.networkInterfaces())
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .find(([, list]) => list?.some(({ mac, internal }) => !internal && !/^[0:]*$/.test(mac))) ?? []
    const mac = addresses?.find(({ internal }) => !internal)?.mac
    return mac === undefined ? null : [mac]
  } catch (error) {
    mustBeSystemError(error)
    return null
  }
}

function isMountPoint(root: string, file: string): boolean {
  const mounts = readText(path.join(root, '/proc/self/mountinfo')) ?? ''
  return mounts.split('\n').some((line) => line.split(' ', 5)[4] === file)
}

/** Looks like a boot id, so that whatever is made from boot ids (partitions, keys) works alike. */
function hashed(facts: readonly string[]): string {
  const digits = createHash('sha256')
    .update(JSON.stringify(['numacast host', ...facts]))
    .digest('hex')
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
    digits.slice(20, 32),
  ].join('-')
}

function readText(file: string): string | null {
  try {
    const text = readFileSync(file, 'utf8').trim()
    return text === '' ? null : text
  } catch (error) {
    mustBeHidden(error, file)
    return null
  }
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    mustBeHidden(error, folder)
    return []
  }
}

/** A file that cannot be opened for want of a descriptor is not hidden: a fallback identity would be wrong for good. */
function mustBeHidden(error: unknown, file: string): void {
  mustBeSystemError(error)
  const code = errorCode(error)
  if (!isTransient(code)) return
  throw new NumacastError('NUMACAST_UNAVAILABLE', `cannot read ${file} now (${code})`, { cause: error })
}
