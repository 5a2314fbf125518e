/** An IPv4 UDP socket of this process. */
export interface UdpSocket {
  readonly inode: number
  /** That it is bound to, numeric. */
  readonly address: string
  readonly port: number
  /** Datagrams that the kernel threw away since it was opened because its receive buffer was full; wraps at 2³². */
  readonly drops: number
}
