import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { Dealer, Router, Subscriber, XPublisher } from 'zeromq'
import { eventually } from '../../../src/testing/eventually.js'
import type { ReceivingSocket } from '../../../src/transport/zmtp/message-socket.js'
import { ZmtpDealer, ZmtpRouter, ZmtpSubscriber, ZmtpXPublisher } from '../../../src/transport/zmtp/sockets.js'

/** Sockets of worker threads, paired with those of libzmq and with each other. */

const options = {
  maxMessageSize: 1_000_000,
  receiveHighWaterMark: 1_000,
  sendHighWaterMark: 1_000,
  reconnectInterval: 10,
  reconnectMaxInterval: 50,
}
const libzmq = { ...options, linger: 0, sendTimeout: 0 }
const { sendHighWaterMark: _, ...subscribing } = { ...options, linger: 0 }
const sizes = [0, 1, 255, 256, 70_000, 900_000]

function closing<T extends ReceivingSocket>(t: Test, socket: T): T {
  t.teardown(() => socket.close())
  return socket
}

const routers = { libzmq: () => new Router({ ...libzmq, mandatory: true }), own: () => new ZmtpRouter(options) }
const dealers = { libzmq: () => new Dealer(libzmq), own: () => new ZmtpDealer(options) }
const publishers = { libzmq: () => new XPublisher(libzmq), own: () => new ZmtpXPublisher(options) }
const subscribers = { libzmq: () => new Subscriber(subscribing), own: () => new ZmtpSubscriber(options) }
const pairings = [
  ['own', 'own'],
  ['own', 'libzmq'],
  ['libzmq', 'own'],
] as const
t.test('an error of a message handler rejects receive() and closes the connection', async (t) => {
  class FaultyDealer extends ZmtpDealer {
    protected override onMessage(): void {
      throw new TypeError('a broken handler')
    }
  }
  const faulty = closing(t, new FaultyDealer(options))
  await faulty.bind('tcp://127.0.0.1:*')
  const peer = closing(t, new ZmtpDealer(options))
  const lost = new Promise<void>((resolve) => void peer.events.on('disconnect', () => resolve()))
  peer.connect(faulty.lastEndpoint ?? '')
  const receiving = t.rejects(faulty.receive(), new TypeError('a broken handler'))
  await peer.send(Buffer.from('once'))
  await receiving
  await lost
})

/** Binds a socket at an endpoint that another socket released a moment ago. */
async function rebound<T extends ReceivingSocket>(create: () => T, endpoint: string): Promise<T> {
  return eventually('the port is free again', async () => {
    const socket = create()
    try {
      await socket.bind(endpoint)
      return socket
    } catch {
      socket.close()
      return undefined
    }
  })
}

for (const [listening, dialling] of pairings) {
  t.test(`ROUTER of ${listening} and DEALER of ${dialling} exchange messages of any size`, async (t) => {
    const router = closing(t, routers[listening]())
    await router.bind('tcp://127.0.0.1:*')
    const dealer = closing(t, dealers[dialling]())
    dealer.connect(router.lastEndpoint ?? '')
    for (const size of sizes) {
      await dealer.send([Buffer.from('id'), Buffer.alloc(size, 7)])
      const [peer = Buffer.alloc(0), ...request] = (await router.receive()) as Buffer[]
      t.same(request, [Buffer.from('id'), Buffer.alloc(size, 7)], `${size} bytes arrive`)
      await router.send([peer, Buffer.from('id'), Buffer.alloc(size, 8)])
      t.same(await dealer.receive(), [Buffer.from('id'), Buffer.alloc(size, 8)], `${size} bytes come back`)
    }
  })

  t.test(
    `XPUB of ${listening} and SUB of ${dialling} follow subscriptions and recover from a broken connection`,
    async (t) => {
      let publisher = publishers[listening]()
      t.teardown(() => publisher.close())
      await publisher.bind('tcp://127.0.0.1:*')
      const endpoint = publisher.lastEndpoint ?? ''
      const subscriber = closing(t, subscribers[dialling]())
      subscriber.connect(endpoint)
      subscriber.subscribe('a\0')
      t.same(await publisher.receive(), [Buffer.from('\x01a\0')])
      subscriber.subscribe('b\0')
      t.same(await publisher.receive(), [Buffer.from('\x01b\0')])
      await publisher.send(['c\0', 'no'].map((part) => Buffer.from(part)))
      await publisher.send(['b\0', 'yes'].map((part) => Buffer.from(part)))
      t.same(
        await subscriber.receive(),
        [Buffer.from('b\0'), Buffer.from('yes')],
        'frames of other groups do not arrive',
      )
      subscriber.unsubscribe('b\0')
      t.same(await publisher.receive(), [Buffer.from('\x00b\0')])
      // libzmq renews subscriptions only while its socket is used.
      const received = subscriber.receive()
      publisher.close()
      publisher = await rebound<XPublisher | ZmtpXPublisher>(publishers[listening], endpoint)
      t.same(await publisher.receive(), [Buffer.from('\x01a\0')], 'the subscription is renewed')
      await publisher.send(['a\0', 'again'].map((part) => Buffer.from(part)))
      t.same(await received, [Buffer.from('a\0'), Buffer.from('again')])
    },
  )
}

t.test('a subscriber that disconnects ends its subscriptions', async (t) => {
  const publisher = closing(t, new ZmtpXPublisher(options))
  await publisher.bind('tcp://127.0.0.1:*')
  const subscriber = new ZmtpSubscriber(options)
  subscriber.subscribe('a\0')
  subscriber.connect(publisher.lastEndpoint ?? '')
  t.same(await publisher.receive(), [Buffer.from('\x01a\0')])
  subscriber.close()
  t.same(await publisher.receive(), [Buffer.from('\x00a\0')])
})

t.test('a ROUTER refuses a message to a disconnected peer, and a message beyond the high-water mark', async (t) => {
  const router = closing(t, new ZmtpRouter({ ...options, sendHighWaterMark: 2 }))
  await router.bind('tcp://127.0.0.1:*')
  await t.rejects(router.send([Buffer.alloc(4), Buffer.from('x')]), { code: 'EHOSTUNREACH' })
  const dealer = closing(t, new ZmtpDealer(options))
  dealer.connect(router.lastEndpoint ?? '')
  await dealer.send(Buffer.from('hello'))
  const [peer = Buffer.alloc(0)] = await router.receive()
  const attempts = Array.from({ length: 3 }, () => router.send([peer, Buffer.alloc(900_000)]))
  t.match(await Promise.allSettled(attempts), [
    { status: 'fulfilled' },
    { status: 'fulfilled' },
    { status: 'rejected', reason: { code: 'EAGAIN' } },
  ])
})

t.test('bytes that are not ZMTP and oversized messages close only their connection', async (t) => {
  const router = closing(t, new ZmtpRouter({ ...options, maxMessageSize: 1_000 }))
  await router.bind('tcp://127.0.0.1:*')
  const port = Number(router.lastEndpoint?.split(':').at(-1))
  const greeting = Buffer.alloc(64)
  greeting[0] = 0xff
  greeting[9] = 0x7f
  greeting[10] = 3
  greeting.write('NULL', 12)
  const stories: readonly Buffer[] = [
    Buffer.from(`GET / HTTP/1.1\r\n${'x'.repeat(100)}\r\n\r\n`),
    Buffer.concat([greeting, Buffer.from([0, 1, 7])]), // a message before the handshake
    Buffer.concat([greeting, Buffer.from([2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])]),
    Buffer.concat([greeting, Buffer.from([4, 6, 5]), Buffer.from('ERROR')]),
  ]
  for (const story of stories) {
    const stranger = connect(port, '127.0.0.1')
    stranger.on('error', () => undefined)
    stranger.resume()
    stranger.write(story)
    await new Promise((resolve) => stranger.once('close', resolve))
  }
  const long = closing(t, new ZmtpDealer(options))
  long.connect(router.lastEndpoint ?? '')
  const broken = new Promise((resolve) => long.events.on('disconnect', resolve))
  await long.send(Buffer.alloc(2_000))
  await broken
  const dealer = closing(t, new ZmtpDealer(options))
  dealer.connect(router.lastEndpoint ?? '')
  await dealer.send(Buffer.from('good'))
  const [, good] = await router.receive()
  t.same(good, Buffer.from('good'))
})
