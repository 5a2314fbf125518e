import os from 'node:os'
import { getSystemErrorName } from 'node:util'
import { isTransient } from '../../core/error-code.js'
import { NumacastError } from '../../core/errors.js'

/** Has the shape of `os.networkInterfaces()`, which lists interfaces that are up, running and have an address. */
export type OsInterfaces = ReturnType<typeof os.networkInterfaces>

/**
 * Lists the interfaces of this machine. On Linux this opens a netlink socket.
 *
 * @throws NumacastError NUMACAST_UNAVAILABLE if netlink sockets are forbidden; NUMACAST_TRANSPORT on a transient
 * failure
 */
export function listOsInterfaces(list: () => OsInterfaces = os.networkInterfaces): OsInterfaces {
  try {
    return list()
  } catch (cause) {
    const code = systemErrorName(cause)
    const details = { errno: code }
    if (isTransient(code.toLowerCase())) {
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

/** Returns whether the process may list interfaces. @throws NumacastError NUMACAST_TRANSPORT on a transient failure */
export function mayListInterfaces(): boolean {
  try {
    listOsInterfaces()
    return true
  } catch (error) {
    if (error instanceof NumacastError && error.code === 'NUMACAST_UNAVAILABLE') return false
    throw error
  }
}

/** `EMFILE`, `EAFNOSUPPORT`, …: libuv has no name for some errors of `uv_interface_addresses`. */
function systemErrorName(error: unknown): string {
  const { code, errno, info } = error as NodeJS.ErrnoException & { info?: { code?: string; errno?: number } }
  const number = info?.errno ?? errno
  if (typeof number !== 'number' || number === 0) return code ?? 'unknown'
  return getSystemErrorName(-Math.abs(number))
}
