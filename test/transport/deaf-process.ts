/** A program of receive-drops.test.ts: sends itself more datagrams than its receive buffer holds before it reads any. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { systemClock } from '../../src/core/time/clock.js'
import { multicastAddressOf, portOf } from '../../src/transport/lane/port.js'
import { openTransport } from '../../src/transport/open.js'
import { encodeRadio } from '../../src/wire/radio.js'

const port = portOf(Number(process.argv[2]), 0)
const transport = await openTransport({ domain: Number(process.argv[2]), clock: systemClock })
let received = 0
await transport.datagram.join({ name: 'g', port }, () => received++)
const socket = createSocket('udp4')
socket.bind(0, '127.0.0.1')
await once(socket, 'listening')
socket.setMulticastInterface('127.0.0.1')
const frame = encodeRadio('g', Buffer.alloc(4_000))
const sent = 5_000
let left = sent
await new Promise<void>((resolve) => {
  // All in one turn of the event loop, so that nothing is read meanwhile.
  for (let count = 0; count < sent; count++) {
    socket.send(frame, port, multicastAddressOf(Number(process.argv[2])), () => {
      if (--left === 0) resolve()
    })
  }
})
socket.close()
const lost = (): number => transport.datagram.counters.get('datagram.lost.receive-buffer')
const waiting = setInterval(() => {
  if (lost() === 0 || received + lost() < sent) return
  clearInterval(waiting)
  console.log(JSON.stringify({ sent, received, lost: lost() }))
  void transport.close()
}, 100)
