/** One UDP socket, as `/proc/net/udp` shows it (proc(5)). */
export interface UdpSocketRow {
  /** IPv4, numeric. */
  readonly address: string
  readonly port: number
  readonly inode: number
  /** Datagrams that the kernel discarded on the way into it, since it was opened: its receive buffer was full. */
  readonly drops: number
}

/** The rows of `/proc/net/udp`; lines that are none are skipped. */
export function parseUdpTable(text: string): UdpSocketRow[] {
  return text.split('\n').flatMap((line) => {
    // sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode ref pointer drops
    const fields = line.trim().split(/\s+/)
    const local = /^([\dA-F]{8}):([\dA-F]{4})$/.exec(fields[1] ?? '')
    const [inode, drops] = [Number(fields[9]), Number(fields[12])]
    if (local === null || !Number.isInteger(inode) || !Number.isInteger(drops)) return []
    return [{ address: addressOf(local[1] ?? ''), port: Number.parseInt(local[2] ?? '', 16), inode, drops }]
  })
}

/** `RcvbufErrors` of `/proc/net/snmp`: what all UDP sockets of the network namespace dropped so; `null` if not there. */
export function parseReceiveBufferErrors(text: string): number | null {
  const [names, values] = text
    .split('\n')
    .filter((line) => line.startsWith('Udp:'))
    .map((line) => line.split(' '))
  const value = Number(values?.[names?.indexOf('RcvbufErrors') ?? -1] ?? Number.NaN)
  return Number.isInteger(value) ? value : null
}

/** The kernel prints the four bytes as one number in the machine's byte order; Node runs on little-endian ones. */
function addressOf(hex: string): string {
  return (hex.match(/../g) ?? [])
    .reverse()
    .map((byte) => Number.parseInt(byte, 16))
    .join('.')
}
