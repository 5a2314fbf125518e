import type { DatagramLane, Transport } from '../../src/transport/lane/transport.js'

export interface CountingTransport {
  readonly transport: Transport
  /** Datagrams of the groups that it joined. */
  readonly wanted: () => number
  /** Datagrams of other groups that share a port with one of them. */
  readonly unwanted: () => number
}

/** Counts what the datagram lane of a transport receives. */
export function counting(inner: Transport): CountingTransport {
  const { range, datagram, stream } = inner
  let wanted = 0
  const lane: DatagramLane = {
    maxBodyBytes: datagram.maxBodyBytes,
    counters: datagram.counters,
    get received() {
      return datagram.received
    },
    get pending() {
      return datagram.pending
    },
    join: (group, handler) =>
      datagram.join(group, (body, from) => {
        wanted++
        handler(body, from)
      }),
    send: (group, body) => datagram.send(group, body),
  }
  return {
    transport: { range, datagram: lane, stream, close: () => inner.close() },
    wanted: () => wanted,
    unwanted: () => datagram.counters.get('datagram.skipped.other-group'),
  }
}
