/** A program that uses both lanes, waits on an unreferenced timer, and closes. */
import { systemClock } from '../../src/core/time/clock.js'
import { portOf } from '../../src/transport/lane/port.js'
import { openTransport } from '../../src/transport/open.js'

const domain = Number(process.env.DOMAIN)
const transport = await openTransport({ domain, clock: systemClock })
const group = { name: 'g', port: portOf(domain, 0) }
await transport.datagram.join(group, () => {})
transport.datagram.send(group, Buffer.from('x'))
transport.stream.serve((request) => request)
const dead = 'tcp://127.0.0.1:1'
transport.stream.subscribe(dead, 'g', () => {})
for (const endpoint of await transport.stream.publishEndpoints()) transport.stream.subscribe(endpoint, 'g', () => {})
await transport.stream.request(transport.stream.requestEndpoints[0] ?? '', Buffer.from('?'), { timeoutMs: 60_000 })
transport.stream.request(dead, Buffer.from('?'), { timeoutMs: 60_000 }).catch(() => {})
console.log('opened')
systemClock.after(200, () => {
  console.log('still here')
  transport.close().then(() => console.log('closed'))
})
