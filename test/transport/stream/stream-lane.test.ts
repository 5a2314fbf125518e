import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Dealer, Router, Subscriber, XPublisher, XSubscriber } from 'zeromq'
import { seededRandom } from '../../../src/core/random.js'
import { type Clock, systemClock } from '../../../src/core/time/clock.js'
import { until } from '../../../src/testing/eventually.js'
import { FakeClock } from '../../../src/testing/fake-clock.js'
import { type StreamLaneOptions, ZeromqStreamLane } from '../../../src/transport/stream/stream-lane.js'
import { probeTcp } from '../../../src/transport/stream/tcp-probe.js'

const bytes = (content: string): Buffer => Buffer.from(content, 'utf8')
const patient = { timeoutMs: 60_000 }
/** A reserved port (RFC 1078): nothing listens there. */
const nowhere = 'tcp://127.0.0.1:1'

async function openLane(
  t: Test,
  options: StreamLaneOptions = {},
  clock: Clock = systemClock,
): Promise<ZeromqStreamLane> {
  const lane = await ZeromqStreamLane.open({ clock }, options)
  t.teardown(() => lane.close())
  return lane
}

function first(endpoints: readonly string[]): string {
  const [endpoint] = endpoints
  if (endpoint === undefined) throw new Error('no endpoint')
  return endpoint
}

t.test('malformed requests change nothing but counters', async (t) => {
  const lane = await openLane(t)
  let asked = 0
  lane.serve((request) => {
    asked++
    return request
  })
  const stranger = new Dealer({ linger: 0 })
  t.teardown(() => stranger.close())
  stranger.connect(first(lane.requestEndpoints))
  const random = seededRandom(11)
  let sent = 0
  for (; sent < 2_000; sent++) {
    const frames = Array.from({ length: 1 + Math.floor(random() * 5) }, () => Buffer.alloc(Math.floor(random() * 9), 1))
    if (frames.length === 2 && frames[0]?.length === 4) frames.push(Buffer.alloc(0))
    await stranger.send(frames)
  }
  const rejected = (): number =>
    lane.counters.get('stream.rejected.request-frames') + lane.counters.get('stream.rejected.request-id')
  await until('every malformed message to be rejected', () => rejected() === sent)
  t.equal(asked, 0)
  t.same(await lane.request(first(lane.requestEndpoints), bytes('good'), patient), bytes('good'))
})

t.test('malformed replies change nothing but counters', async (t) => {
  const lane = await openLane(t)
  const liar = new Router({ linger: 0 })
  t.teardown(() => liar.close())
  await liar.bind('tcp://127.0.0.1:*')
  const replying = (async () => {
    const [peer = Buffer.alloc(0), id = Buffer.alloc(0)] = await liar.receive()
    await liar.send([peer, id])
    await liar.send([peer, bytes('long id'), bytes('x')])
    await liar.send([peer, id, bytes('x'), bytes('more')])
    await liar.send([peer, bytes('\xff\xff'), bytes('for no request')])
    await liar.send([peer, id, bytes('at last')])
  })()
  t.same(await lane.request(liar.lastEndpoint ?? '', bytes('?'), patient), bytes('at last'))
  await replying
  t.equal(lane.counters.get('stream.rejected.reply-frames'), 3)
  t.equal(lane.counters.get('stream.rejected.late-reply'), 1)
})

t.test('malformed live messages change nothing but counters', async (t) => {
  const lane = await openLane(t)
  const liar = new XPublisher({ linger: 0 })
  t.teardown(() => liar.close())
  await liar.bind('tcp://127.0.0.1:*')
  const received: string[] = []
  lane.subscribe(liar.lastEndpoint ?? '', 'g', (body, from) => {
    t.equal(from.address, '127.0.0.1')
    received.push(body.toString())
  })
  t.same(await liar.receive(), [bytes('\x01g\0')])
  for (const first of ['g\0', 'g\0\0', 'g\0 and a tail without an end', `g\0${'x'.repeat(14)}\0`, 'g\0x']) {
    await liar.send([bytes(first)])
    await liar.send([bytes(first), bytes('x'), bytes('more')])
    if (first !== 'g\0') await liar.send([bytes(first), bytes('x')])
  }
  await liar.send([bytes('g\0'), bytes('')])
  await liar.send([bytes('g\0'), bytes('good')])
  await until('the valid frame', () => received.includes('good'))
  t.same(received, ['', 'good'])
  t.equal(lane.counters.get('stream.rejected.live-message'), 13)
  t.equal(lane.counters.get('stream.skipped.other-group'), 1)
})

t.test('malformed subscriptions change nothing but counters', async (t) => {
  const lane = await openLane(t)
  const endpoint = first(await lane.publishEndpoints())
  const stranger = new XSubscriber({ linger: 0 })
  t.teardown(() => stranger.close())
  stranger.connect(endpoint)
  for (let index = 0; index < 500; index++) {
    await stranger.send(bytes(`\x07${index}`))
    await stranger.send(bytes(`\x01nonsense ${index}`))
  }
  await until(
    'every malformed message to be rejected',
    () => lane.counters.get('stream.rejected.not-a-subscription') === 500,
  )
  const reader = await openLane(t)
  const received: string[] = []
  reader.subscribe(endpoint, 'g', (body) => received.push(body.toString()))
  await until('a frame to arrive', () => {
    lane.publish('g', bytes('x'))
    return received.length > 0
  })
  t.equal(received[0], 'x')
})

t.test('a peer that sends an oversized message is disconnected, and the lane keeps working', async (t) => {
  const lane = await openLane(t, { maxMessageBytes: 1_000 })
  let asked = 0
  lane.serve((request) => {
    asked++
    return request
  })
  const stranger = new Dealer({ linger: 0 })
  t.teardown(() => stranger.close())
  stranger.connect(first(lane.requestEndpoints))
  await stranger.send([Buffer.alloc(4), Buffer.alloc(100_000)])
  t.same(await lane.request(first(lane.requestEndpoints), Buffer.alloc(1_000), patient), Buffer.alloc(1_000))
  t.equal(asked, 1)
})

t.test('connections are shared while in use, and closed when idle or unanswered', async (t) => {
  const clock = new FakeClock()
  const lane = await openLane(t, { idleMs: 5_000 }, clock)
  const server = await openLane(t)
  server.serve((request) => request)
  const endpoint = first(server.requestEndpoints)
  await Promise.all([lane.request(endpoint, bytes('1'), patient), lane.request(endpoint, bytes('2'), patient)])
  t.same(lane.connections, { request: 1, live: 0 })
  await clock.advance(4_999)
  t.same(lane.connections, { request: 1, live: 0 })
  await lane.request(endpoint, bytes('3'), patient)
  await clock.advance(4_999)
  t.same(lane.connections, { request: 1, live: 0 }, 'the idle time starts again')
  await clock.advance(1)
  t.same(lane.connections, { request: 0, live: 0 })

  const silent = lane.request(nowhere, bytes('?'), { timeoutMs: 100 })
  const timedOut = t.rejects(silent, { code: 'NUMACAST_TIMEOUT' })
  await clock.advance(0)
  t.same(lane.connections, { request: 1, live: 0 })
  await clock.advance(100)
  await timedOut
  t.same(lane.connections, { request: 0, live: 0 }, 'no reply came: the next request dials again')
  t.equal(clock.pendingTimers, 0)

  const subscriptions = ['a', 'b'].map((group) => lane.subscribe(endpoint, group, () => {}))
  t.same(lane.connections, { request: 0, live: 1 })
  subscriptions[0]?.close()
  t.same(lane.connections, { request: 0, live: 1 })
  subscriptions[1]?.close()
  t.same(lane.connections, { request: 0, live: 0 })
})

t.test('a connection whose first request was refused is closed, too', async (t) => {
  const clock = new FakeClock()
  const lane = await openLane(t, { idleMs: 5_000 }, clock)
  const bad = { timeoutMs: Number.NaN }
  await t.rejects(lane.request(nowhere, bytes('?'), bad), { code: 'NUMACAST_INVALID_ARGUMENT' })
  await clock.advance(5_000)
  t.same(lane.connections, { request: 0, live: 0 })
})

t.test('a slow request does not close the connection of another', async (t) => {
  const clock = new FakeClock()
  const lane = await openLane(t, {}, clock)
  const server = await openLane(t)
  server.serve((request) => (request.toString() === 'slow' ? new Promise<Buffer>(() => {}) : request))
  const endpoint = first(server.requestEndpoints)
  const slow = t.rejects(lane.request(endpoint, bytes('slow'), { timeoutMs: 100 }), { code: 'NUMACAST_TIMEOUT' })
  await lane.request(endpoint, bytes('quick'), patient)
  await clock.advance(100)
  await slow
  t.same(lane.connections, { request: 1, live: 0 }, 'the peer answered meanwhile')
})

t.test('requests beyond the high-water mark are refused at once', async (t) => {
  const lane = await openLane(t, { highWaterMark: 3 })
  const endpoint = nowhere
  const waiting = Array.from({ length: 3 }, () =>
    t.rejects(lane.request(endpoint, bytes('?'), patient), { code: 'NUMACAST_CLOSED' }),
  )
  await t.rejects(lane.request(endpoint, bytes('?'), patient), { code: 'NUMACAST_LIMIT' })
  await lane.close()
  await Promise.all(waiting)
})

t.test('a reply to a requester that has closed is counted', async (t) => {
  const server = await openLane(t)
  const client = await openLane(t)
  const answers: ((reply: Buffer) => void)[] = []
  server.serve(() => new Promise<Buffer>((resolve) => answers.push(resolve)))
  const requests = 500
  const asked = Array.from({ length: requests }, () =>
    t.rejects(client.request(first(server.requestEndpoints), bytes('?'), patient), { code: 'NUMACAST_CLOSED' }),
  )
  await until('every request to arrive', () => answers.length === requests)
  await client.close()
  await Promise.all(asked)
  // libzmq notices the end of a connection a moment later; until then it accepts replies for it.
  await until('a reply to be refused', () => {
    answers.pop()?.(bytes('too late'))
    return server.counters.get('stream.dropped.peer-gone') > 0
  })
})

t.test('a slow subscriber does not delay the others', async (t) => {
  const lane = await openLane(t, { highWaterMark: 10 })
  const endpoint = first(await lane.publishEndpoints())
  const slow = new Subscriber({ linger: 0, receiveHighWaterMark: 1 })
  t.teardown(() => slow.close())
  slow.connect(endpoint)
  slow.subscribe('g\0')
  const reader = await openLane(t)
  let last = -1
  reader.subscribe(endpoint, 'g', (body) => {
    last = body.readUInt32BE(0)
  })
  const frame = (number: number): Buffer => {
    const body = Buffer.alloc(60_000)
    body.writeUInt32BE(number)
    return body
  }
  for (let number = 0; number < 300; number++) {
    // The buffers of the slow subscriber are full after a few frames; the other receives each one once it is connected.
    await until(`frame ${number}`, () => {
      lane.publish('g', frame(number))
      return last === number
    })
  }
  t.equal(last, 299)
})

t.test('a subscription survives the restart of its publisher', async (t) => {
  const lane = await openLane(t)
  let endpoint = 'tcp://127.0.0.1:*'
  const received: string[] = []
  for (const body of ['before', 'after']) {
    const publisher = new XPublisher({ linger: 0 })
    await bindWhenFree(publisher, endpoint)
    if (body === 'before') {
      endpoint = publisher.lastEndpoint ?? ''
      lane.subscribe(endpoint, 'g', (frame) => received.push(frame.toString()))
    }
    t.same(await publisher.receive(), [bytes('\x01g\0')])
    await publisher.send(['g\0', body])
    await until(body, () => received.includes(body))
    publisher.close()
  }
  t.same(received, ['before', 'after'])
})

/** libzmq releases a name a moment after its socket was closed. */
async function bindWhenFree(socket: XPublisher, endpoint: string): Promise<void> {
  for (;;) {
    try {
      await socket.bind(endpoint)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
      await sleep(1)
    }
  }
}

t.test('a stream that libzmq gave up after an oversized message is dialled again', async (t) => {
  const lane = await openLane(t, { maxMessageBytes: 1_000 })
  const publisher = new XPublisher({ linger: 0 })
  t.teardown(() => publisher.close())
  await publisher.bind('tcp://127.0.0.1:*')
  const received: number[] = []
  lane.subscribe(publisher.lastEndpoint ?? '', 'g', (body) => void received.push(body.length))
  const subscribed = async (): Promise<void> => void (await publisher.receive())
  await subscribed()
  await publisher.send([bytes('g\0'), bytes('before')])
  await until('the first frame to arrive', () => received.length === 1)
  await publisher.send([bytes('g\0'), Buffer.alloc(5_000)])
  // Without a redial no subscription ever arrives again. The first to arrive may be the end of the old one.
  await subscribed()
  await until('the stream to be dialled again', () => lane.counters.get('stream.redialled') > 0)
  const sending = setInterval(() => void publisher.send([bytes('g\0'), bytes('after!')]), 20)
  t.teardown(() => clearInterval(sending))
  await until('frames to arrive again', () => received.length > 1)
  t.same(new Set(received), new Set([6]), 'the oversized frame itself never arrives')
})

t.test('a stream whose handshake was refused is dialled again', async (t) => {
  const lane = await openLane(t)
  let refused = 0
  const refusing = createServer((connection) => {
    refused++
    connection.on('error', () => undefined)
    connection.resume()
    t.teardown(() => connection.destroy())
    // A greeting with another security mechanism, as a peer with keys sends it.
    const greeting = Buffer.alloc(64)
    greeting[0] = 0xff
    greeting[9] = 0x7f
    greeting[10] = 3
    greeting.write('CURVE', 12)
    connection.write(greeting)
  })
  refusing.listen({ host: '127.0.0.1', port: 0, exclusive: true })
  await once(refusing, 'listening')
  const address = refusing.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const received: string[] = []
  lane.subscribe(`tcp://127.0.0.1:${port}`, 'g', (body) => void received.push(body.toString()))
  await until('the handshake to be refused and dialled again', () => refused > 1)
  t.ok(lane.counters.get('stream.redialled') > 0)
  refusing.close()
})

t.test('a live socket whose port is taken is opened by a later call', async (t) => {
  const port = await freePairOfPorts()
  const occupant = createServer()
  occupant.listen({ host: '127.0.0.1', port: port + 1, exclusive: true })
  await once(occupant, 'listening')
  const lane = await ZeromqStreamLane.open({ clock: systemClock, port })
  t.teardown(() => lane.close())
  await t.rejects(lane.publishEndpoints(), { code: 'NUMACAST_TRANSPORT', message: /eaddrinuse/ })
  occupant.close()
  await once(occupant, 'close')
  t.same(await lane.publishEndpoints(), [`tcp://127.0.0.1:${port + 1}`])
})

/** The lower of two adjacent free ports, outside the ephemeral range. */
async function freePairOfPorts(): Promise<number> {
  for (let port = 22_000 + (process.pid % 4_000); port < 30_000; port += 2) {
    try {
      await probeTcp('127.0.0.1', port)
      await probeTcp('127.0.0.1', port + 1)
      return port
    } catch {
      // Taken: the next pair.
    }
  }
  throw new Error('no two free ports')
}
