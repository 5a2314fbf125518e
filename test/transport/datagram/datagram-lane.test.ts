import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import { eventually, until } from '../../../src/testing/eventually.js'
import { FakeClock } from '../../../src/testing/fake-clock.js'
import { UdpDatagramLane } from '../../../src/transport/datagram/datagram-lane.js'
import { portOf } from '../../../src/transport/lane/port.js'
import { type DatagramRange, localhostRange, subnetRange } from '../../../src/transport/lane/range.js'
import type { Group } from '../../../src/transport/lane/transport.js'
import { claimDomain } from '../../support/domain-lock.js'

async function openLane(t: Test, range: Partial<DatagramRange> = {}): Promise<{ lane: UdpDatagramLane; group: Group }> {
  const port = portOf(await claimDomain(t), 0)
  const lane = await UdpDatagramLane.open({ ...localhostRange, ...range })
  t.teardown(() => lane.close())
  return { lane, group: { name: 'g', port } }
}

/** A plain socket that sends arbitrary bytes to the group's address. */
async function openStranger(t: Test, port: number): Promise<(datagram: Buffer) => Promise<void>> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  socket.setMulticastInterface('127.0.0.1')
  t.teardown(() => socket.close())
  return (datagram) =>
    new Promise((resolve, reject) => {
      socket.send(datagram, port, localhostRange.multicastAddress, (error) => (error ? reject(error) : resolve()))
    })
}

t.test('thousands of malformed datagrams change nothing but counters', async (t) => {
  const { lane, group } = await openLane(t)
  const received: string[] = []
  await lane.join(group, (body) => received.push(body.toString()))
  const send = await openStranger(t, group.port)
  const random = seededRandom(7)
  const counted = (): number => Object.values(lane.counters.snapshot()).reduce((sum, count) => sum + count, 0)
  let sent = 0
  for (let round = 0; round < 100; round++) {
    for (let index = 0; index < 50; index++) {
      const datagram = Buffer.alloc(Math.floor(random() * 200))
      for (let at = 0; at < datagram.length; at++) datagram[at] = Math.floor(random() * 256)
      // Random bytes that happen to address our group would be a valid frame.
      if (datagram[0] === 1 && datagram[1] === 'g'.charCodeAt(0)) continue
      await send(datagram)
      sent++
    }
    await until('every malformed datagram to be counted', () => counted() === sent)
  }
  t.ok(sent > 4_900)
  t.same(received, [])
  const reasons = Object.keys(lane.counters.snapshot())
  t.same(reasons, [
    'datagram.rejected.empty',
    'datagram.rejected.group-too-long',
    'datagram.rejected.no-group',
    'datagram.rejected.truncated',
    'datagram.skipped.other-group',
  ])
  await send(Buffer.from('\x01gstill here'))
  await until('the valid frame to arrive', () => received.length > 0)
  t.same(received, ['still here'])
})

t.test('frames from outside the range are rejected', async (t) => {
  const { lane, group } = await openLane(t, { accepts: () => false })
  await lane.join(group, () => t.fail('from outside'))
  lane.send(group, Buffer.from('x'))
  await until('the frame to be rejected', () => lane.counters.get('datagram.rejected.out-of-range') === 1)
  t.ok(localhostRange.accepts('127.0.0.1'))
  t.notOk(localhostRange.accepts('192.0.2.2'))
  t.notOk(localhostRange.accepts('1.127.0.0'))
})

t.test('a send that the kernel refuses is counted by its errno', async (t) => {
  // Broadcast without SO_BROADCAST is EACCES (socket(7)).
  const { lane, group } = await openLane(t, { multicastAddress: '255.255.255.255' })
  lane.send(group, Buffer.from('x'))
  await until('the refusal to be counted', () => lane.counters.get('datagram.dropped.eacces') === 1)
})

t.test('joining an address that is not multicast is refused', async (t) => {
  const { lane, group } = await openLane(t, { multicastAddress: '127.0.0.1' })
  await t.rejects(
    lane.join(group, () => {}),
    { code: 'NUMACAST_TRANSPORT' },
  )
  await t.rejects(UdpDatagramLane.open({ ...localhostRange, interfaceAddress: '203.0.113.1' }), {
    code: 'NUMACAST_TRANSPORT',
  })
})

t.test('a port has one socket while at least one handler is joined', async (t) => {
  const { lane, group } = await openLane(t)
  t.equal(lane.receiveBufferBytes, 0)
  const handler = (): void => {}
  const both = await Promise.all([lane.join(group, handler), lane.join({ ...group, name: 'h' }, handler)])
  t.ok(lane.receiveBufferBytes > 0)
  const rival = async (): Promise<boolean> => {
    const socket = createSocket('udp4')
    socket.bind({ address: localhostRange.multicastAddress, port: group.port, exclusive: true })
    try {
      await once(socket, 'listening')
      return true
    } catch {
      return false
    } finally {
      socket.close()
    }
  }
  both[0].close()
  t.notOk(await rival(), 'still bound for the second group')
  both[1].close()
  t.equal(lane.receiveBufferBytes, 0)
  let free = false
  while (!free) free = await rival()
  t.ok(free, 'the port is free')
})

t.test(
  'joining a port that another program holds succeeds once it is free; each failed attempt is counted',
  async (t) => {
    const occupant = createSocket('udp4')
    const port = portOf(await claimDomain(t), 7)
    occupant.bind({ port, exclusive: true }) // at all addresses, as a socket with an ephemeral port is
    await once(occupant, 'listening')
    const clock = new FakeClock()
    const lane = await UdpDatagramLane.open(localhostRange, [], clock)
    t.teardown(() => lane.close())
    const group = { name: 'g', port }
    let received = 0
    await lane.join(group, () => received++)
    const left = await lane.join({ name: 'h', port }, () => t.fail('it has left'))
    left.close()
    await clock.advance(4_000)
    const failed = (): number => lane.counters.get('datagram.failed.bind.eaddrinuse')
    await until('three attempts to bind the port to fail', () => failed() >= 3)
    occupant.close()
    await eventually('frames arrive', async () => {
      await clock.advance(2_000)
      lane.send(group, Buffer.from('x'))
      lane.send({ name: 'h', port }, Buffer.from('y'))
      return received > 0
    })
  },
)

t.test('leaving and joining at the same time keeps the second handler joined', async (t) => {
  const { lane, group } = await openLane(t)
  for (let round = 0; round < 20; round++) {
    let received = 0
    const first = await lane.join(group, () => t.fail('it left'))
    const joining = lane.join(group, () => received++)
    first.close()
    const second = await joining
    lane.send(group, Buffer.from('x'))
    await until('the second handler to receive a frame', () => received === 1)
    second.close()
  }
})

t.test('closing during a join rejects the join and leaves no socket', async (t) => {
  const { lane, group } = await openLane(t)
  const joining = t.rejects(
    lane.join(group, () => {}),
    { code: 'NUMACAST_CLOSED' },
  )
  await lane.close()
  await joining
  t.equal(lane.pending, 0)
  t.equal(lane.receiveBufferBytes, 0)
})

t.test('a body larger than the range allows is never sent', async (t) => {
  for (const [range, limit] of [
    [localhostRange, 8_000],
    [subnetRange, 1_344],
  ] as const) {
    const { lane, group } = await openLane(t, range)
    t.equal(lane.maxBodyBytes, limit)
    const received: number[] = []
    await lane.join(group, (body) => received.push(body.length))
    t.throws(() => lane.send(group, Buffer.alloc(limit + 1)), { code: 'NUMACAST_LIMIT' })
    lane.send(group, Buffer.alloc(limit))
    await until('the largest body to arrive', () => received.length > 0)
    t.same(received, [limit])
  }
})
