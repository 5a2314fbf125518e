import os from 'node:os'
import { getSystemErrorName } from 'node:util'
import { NumacastError } from '../../core/errors.js'

/** As `os.networkInterfaces()`, which names only those that are up, running and have an address. */
export type OsInterfaces = ReturnType<typeof os.networkInterfaces>

/** Errors that pass: the process or the machine has no descriptor or no memory left. */
const passingErrors: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'EAGAIN', 'EINTR'])

/** Whether an error of the system passes by itself, so that the same call may succeed later. */
export function isPassing(code: string): boolean {
  return passingErrors.has(code.toUpperCase())
}

/**
 * Lists the interfaces of this machine. On Linux that takes a netlink socket.
 *
 * @throws NumacastError NUMACAST_UNAVAILABLE when the process may not have one; NUMACAST_TRANSPORT when it cannot now
 */
export function listOsInterfaces(list: () => OsInterfaces = os.networkInterfaces): OsInterfaces {
  try {
    return list()
  } catch (cause) {
    const code = systemErrorName(cause)
    const details = { errno: code }
    if (isPassing(code)) {
      throw new NumacastError('NUMACAST_TRANSPORT', `cannot list the network interfaces now (${code})`, {
        cause,
        details,
      })
    }
    const message =
      `cannot list the network interfaces (${code}): this process may not open netlink sockets; ` +
      'allow AF_NETLINK (systemd: RestrictAddressFamilies=), or use range localhost'
    throw new NumacastError('NUMACAST_UNAVAILABLE', message, { cause, details })
  }
}

/** Whether the process may list interfaces. @throws NumacastError NUMACAST_TRANSPORT when that cannot be told now */
export function mayListInterfaces(): boolean {
  try {
    listOsInterfaces()
    return true
  } catch (error) {
    if (error instanceof NumacastError && error.code === 'NUMACAST_UNAVAILABLE') return false
    throw error
  }
}

/** `EMFILE`, `EAFNOSUPPORT`, …: libuv has no name of its own for some errors of `uv_interface_addresses`. */
function systemErrorName(error: unknown): string {
  const { code, errno, info } = error as NodeJS.ErrnoException & { info?: { code?: string; errno?: number } }
  const number = info?.errno ?? errno
  if (typeof number !== 'number' || number === 0) return code ?? 'unknown'
  return getSystemErrorName(-Math.abs(number))
}
