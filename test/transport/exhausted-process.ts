/**
 * A transport of range `subnet`, on loopback only, in a process that runs out of file descriptors for a while. Meanwhile it
 * joins a group and opens its live socket. Both must work once descriptors are free.
 */
import { closeSync, openSync } from 'node:fs'
import { systemClock } from '../../src/core/time/clock.js'
import { eventually, until } from '../../src/testing/eventually.js'
import { portOf } from '../../src/transport/lane/port.js'
import { openTransport } from '../../src/transport/open.js'

const domain = Number(process.env.DOMAIN)
const transport = await openTransport({
  domain,
  clock: systemClock,
  range: 'subnet',
  insecure: true,
  interfaces: ['lo'],
})
const { datagram, stream } = transport
transport.stream.serve((request) => request)
const [endpoint = ''] = stream.requestEndpoints
await stream.request(endpoint, Buffer.from('before'), { timeoutMs: 60_000 })
const rendezvous = stream.contendRendezvous()

const hoard: number[] = []
try {
  for (;;) hoard.push(openSync('/dev/null', 'r'))
} catch {
  // No descriptor is left.
}
let received = 0
const group = { name: 'g', port: portOf(domain, 9) }
await datagram.join(group, () => received++)
const opening = await stream.publishEndpoints().then(
  () => 'opened',
  ({ code }) => code,
)
await until('the interfaces could not be read, twice', () => stream.counters.get('interface.failed.read.emfile') >= 2)
await until('the port could not be bound, twice', () => datagram.counters.get('datagram.failed.bind.emfile') >= 2)
for (const descriptor of hoard) closeSync(descriptor)

await eventually('frames arrive', () => {
  datagram.send(group, Buffer.from('x'))
  return received > 0
})
const failures = stream.counters.get('interface.failed.read.emfile')
const live = await stream.publishEndpoints()
const reply = await stream.request(endpoint, Buffer.from('after'), { timeoutMs: 60_000 })
await until('the rendezvous port is held', () => rendezvous.isHeld)
console.log(JSON.stringify({ opening, failures: failures >= 2, live: live.length > 0, reply: reply.toString() }))
await transport.close()
