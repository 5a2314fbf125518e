import t, { type Test } from 'tap'
import { systemClock } from '../../src/core/time/clock.js'
import { until } from '../../src/testing/eventually.js'
import { dialable, endpointList, parseEndpoint, tcpAddresses } from '../../src/transport/lane/endpoint.js'
import { ZeromqStreamLane } from '../../src/transport/stream/stream-lane.js'
import { claimDomain } from '../support/domain-lock.js'

/** One peer at several endpoints: on one host 127.0.0.1, 127.0.0.2, … stand for the addresses of several interfaces. */

const patient = { timeoutMs: 60_000 }
/** A reserved port (RFC 1078): nothing listens there. */
const nowhere = 'tcp://127.0.0.1:1'
const bytes = (content: string): Buffer => Buffer.from(content, 'utf8')

async function openLane(t: Test, addresses: readonly string[] = [], rendezvousPort = 0): Promise<ZeromqStreamLane> {
  const lane = await ZeromqStreamLane.open({ clock: systemClock, addresses, rendezvousPort })
  t.teardown(() => lane.close())
  lane.serve((request) => Buffer.concat([request, bytes('!')]))
  return lane
}

const at = (lane: ZeromqStreamLane, address: string): string => lane.requestEndpointAt(address, lane.requestPort)

t.test('a lane listens at the same port of every address and lists these endpoints', async (t) => {
  const lane = await openLane(t, ['127.0.0.2', '127.0.0.3'])
  const client = await openLane(t)
  t.same(lane.requestEndpoints, [at(lane, '127.0.0.1'), at(lane, '127.0.0.2'), at(lane, '127.0.0.3')])
  for (const endpoint of lane.requestEndpoints) t.same(await client.request(endpoint, bytes('?'), patient), bytes('?!'))
  t.equal((await lane.publishEndpoints()).length, 3)
})

t.test('a lane follows addresses that appear and disappear', async (t) => {
  const lane = await openLane(t, ['127.0.0.2'])
  await lane.publishEndpoints()
  let changes = 0
  lane.onEndpointsChanged(() => changes++)
  await lane.useAddresses(['127.0.0.3', '127.0.0.2'])
  t.equal(changes, 1)
  t.same(lane.requestEndpoints, [at(lane, '127.0.0.1'), at(lane, '127.0.0.3'), at(lane, '127.0.0.2')])
  await lane.useAddresses(['127.0.0.3'])
  t.equal(changes, 2)
  const client = await openLane(t)
  await t.rejects(client.request(at(lane, '127.0.0.2'), bytes('?'), { timeoutMs: 200 }), { code: 'NUMACAST_TIMEOUT' })
  t.same(await client.request(at(lane, '127.0.0.3'), bytes('?'), patient), bytes('?!'))
  await lane.useAddresses(['127.0.0.3'])
  t.equal(changes, 2, 'no event without a change')
  // 203.0.113.0/24 is for documentation only (RFC 5737).
  await lane.useAddresses(['127.0.0.3', '203.0.113.1'])
  t.ok(lane.isIncomplete)
  t.equal(lane.counters.get('stream.failed.listen.eaddrnotavail'), 2, 'requests and live frames')
  await lane.useAddresses(['127.0.0.3'])
  t.notOk(lane.isIncomplete)
})

t.test('of several endpoints the first that answers is kept, the others are closed', async (t) => {
  const lane = await openLane(t, ['127.0.0.2'])
  const client = await openLane(t)
  const ways = [nowhere, at(lane, '127.0.0.2'), at(lane, '127.0.0.1')]
  t.same(await client.request(ways, bytes('?'), patient), bytes('?!'))
  t.equal(client.connections.request, 1)
  let served = 0
  lane.serve((request) => {
    served++
    return request
  })
  await client.request(ways, bytes('?'), patient)
  t.equal(served, 1, 'the second request used the known endpoint at once')
  t.equal(client.connections.request, 1)
})

t.test('after the known endpoint fails, the next request finds another', async (t) => {
  const lane = await openLane(t, ['127.0.0.2'])
  const client = await openLane(t)
  const ways = [at(lane, '127.0.0.2'), at(lane, '127.0.0.1')]
  await client.request(ways, bytes('?'), patient)
  await lane.useAddresses([])
  await t.rejects(client.request(ways, bytes('?'), { timeoutMs: 300 }), { code: 'NUMACAST_TIMEOUT' })
  t.same(await client.request(ways, bytes('?'), patient), bytes('?!'))
})

t.test('a race that no endpoint wins ends as a single request would', async (t) => {
  const client = await openLane(t)
  const ways = [nowhere, 'tcp://127.0.0.2:1']
  await t.rejects(client.request(ways, bytes('?'), { timeoutMs: 250 }), { code: 'NUMACAST_TIMEOUT' })
  const abort = new AbortController()
  const aborted = client.request(ways, bytes('?'), { ...patient, signal: abort.signal })
  abort.abort(new Error('enough'))
  await t.rejects(aborted, { message: 'enough' })
  t.equal(client.connections.request, 0)
  await t.rejects(client.request(['nonsense', 'tcp://host:1'], bytes('?'), patient), {
    code: 'NUMACAST_INVALID_ARGUMENT',
  })
  await t.rejects(client.request([], bytes('?'), patient), { code: 'NUMACAST_INVALID_ARGUMENT' })
  const closing = client.request(ways, bytes('?'), patient)
  await Promise.all([t.rejects(closing, { code: 'NUMACAST_CLOSED' }), client.close()])
})

t.test('an invalid endpoint among valid ones is counted and skipped', async (t) => {
  const lane = await openLane(t)
  const client = await openLane(t)
  const ways = ['tcp://evil.example:1', ...lane.requestEndpoints]
  t.same(await client.request(ways, bytes('?'), patient), bytes('?!'))
  t.equal(client.counters.get('stream.rejected.endpoint'), 1)
  const received: string[] = []
  client.subscribe(['tcp://evil.example:1', ...(await lane.publishEndpoints())], 'g', (body) =>
    received.push(String(body)),
  )
  await until('a frame to arrive', () => {
    lane.publish('g', bytes('x'))
    return received.length > 0
  })
})

t.test('live frames use one endpoint only, and another after that connection breaks', async (t) => {
  const lane = await openLane(t, ['127.0.0.2'])
  const client = await openLane(t)
  const endpoints = (await lane.publishEndpoints()).filter((endpoint) => endpoint.startsWith('tcp://127.0.0'))
  t.equal(endpoints.length, 2)
  const received: number[] = []
  client.subscribe([nowhere, ...endpoints], 'g', (body) => received.push(Number(String(body))))
  let sent = 0
  const send = (): void => lane.publish('g', bytes(String(++sent)))
  await until('a frame to arrive', () => {
    send()
    return received.length > 0
  })
  const quiet = async (): Promise<number> => {
    const before = received.length
    await new Promise((resolve) => setTimeout(resolve, 300))
    return received.length - before
  }
  await quiet()
  const before = sent
  for (let count = 0; count < 50; count++) send()
  await until('the last frame to arrive', () => received.includes(sent))
  await quiet()
  t.equal(received.filter((number) => number > before).length, 50, 'each once')
  t.equal(client.connections.live, 1)
  await lane.useAddresses([]) // if live frames used this endpoint, their connection breaks now
  received.length = 0
  await until('frames to arrive again', () => {
    send()
    return received.length > 0
  })
})

t.test('the rendezvous port is held by the first lane, and by another after that one releases it', async (t) => {
  const port = await ownPort(t)
  const lanes = [await openLane(t, [], port), await openLane(t, [], port), await openLane(t, [], port)]
  const [first, second, third] = lanes as [ZeromqStreamLane, ZeromqStreamLane, ZeromqStreamLane]
  const claim = first.contendRendezvous()
  await until('the first lane to hold the port', () => claim.isHeld)
  const others = [second.contendRendezvous(), third.contendRendezvous()]
  await until(
    'the others to try',
    () => second.counters.get('rendezvous.taken') > 0 && third.counters.get('rendezvous.taken') > 0,
  )
  t.notOk(others.some(({ isHeld }) => isHeld))
  t.equal(first.contendRendezvous(), claim, 'one contention at a time')
  const client = await openLane(t)
  const endpoint = client.requestEndpointAt('127.0.0.1', port)
  t.same(await client.request(endpoint, bytes('?'), patient), bytes('?!'))
  await first.close()
  await until('another lane to hold the port', () => others.some(({ isHeld }) => isHeld))
  t.notOk(others.every(({ isHeld }) => isHeld))
  t.same(await client.request(endpoint, bytes('?'), patient), bytes('?!'))
  await Promise.all(others.map((contention) => contention.close()))
  t.notOk(others.some(({ isHeld }) => isHeld))
  await others[0]?.close()
  const again = second.contendRendezvous()
  await until('a lane that released the port to hold it again', () => again.isHeld)
})

t.test('a fixed port is used as given, and by one participant only', async (t) => {
  const port = await ownPort(t)
  const open = (): Promise<ZeromqStreamLane> =>
    ZeromqStreamLane.open({ clock: systemClock, port, addresses: ['127.0.0.2'] })
  const lane = await open()
  t.teardown(() => lane.close())
  t.equal(lane.requestPort, port)
  t.same(await lane.publishEndpoints(), [`tcp://127.0.0.1:${port + 1}`, `tcp://127.0.0.2:${port + 1}`])
  await t.rejects(open(), { code: 'NUMACAST_TRANSPORT', message: /eaddrinuse/ })
  // libzmq releases a port only some time after its socket is closed.
  await lane.close()
  for (let round = 1; round <= 20; round++) {
    const next = await open()
    t.teardown(() => next.close())
    t.equal((await next.publishEndpoints()).at(0), `tcp://127.0.0.1:${port + 1}`, `round ${round}`)
    await next.close()
  }
})

t.test('only endpoints that can be reached from this host are kept', async (t) => {
  const all = ['tcp://127.0.0.1:1', 'tcp://10.0.0.1:1', 'tcp://[::1]:1', 'tcp://[fd00::1]:1']
  t.same(dialable(all, true), all)
  t.same(dialable(all, false), ['tcp://10.0.0.1:1', 'tcp://[fd00::1]:1'])
  t.same([...tcpAddresses([...all, 'tcp://nonsense'])], ['127.0.0.1', '10.0.0.1', '::1', 'fd00::1'])
  t.same(endpointList(['a', 'b', 'a', 'b']), ['a', 'b'])
  t.same(endpointList('a'), ['a'])
  t.match(parseEndpoint('tcp://[fd00::1]:1'), { address: 'fd00::1', port: 1 })
})

/** A port below the ephemeral range that no other process uses while the test runs. So is the next port. */
async function ownPort(t: Test): Promise<number> {
  return 16_000 + 2 * (await claimDomain(t))
}
