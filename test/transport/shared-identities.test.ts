import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { Dealer, Router, XPublisher } from 'zeromq'
import { Counters } from '../../src/core/reporting/counters.js'
import { systemClock } from '../../src/core/time/clock.js'
import { until } from '../../src/testing/eventually.js'
import { DatagramSender } from '../../src/transport/datagram/datagram-sender.js'
import { localhostRange } from '../../src/transport/lane/range.js'
import { ZeromqStreamLane } from '../../src/transport/stream/stream-lane.js'
import type { ReceivingSocket } from '../../src/transport/zmtp/message-socket.js'
import { ZmtpRouter, ZmtpXPublisher } from '../../src/transport/zmtp/sockets.js'

/** What happens when two sockets have one routing id, or want one port. Real sockets. */

const options = { maxMessageSize: 1_000_000, receiveHighWaterMark: 1_000, sendHighWaterMark: 1_000 }
const libzmq = { ...options, linger: 0, sendTimeout: 0 }
const bytes = (text: string): Buffer => Buffer.from(text)

/** Sends a request until it is answered. */
async function ask(dealer: Dealer, id: string): Promise<string> {
  await dealer.send([bytes(id), bytes('?')])
  const [answered, reply] = await dealer.receive()
  return `${answered}${reply}`
}

function dealerNamed(t: Test, routingId: string, endpoint: string): Dealer {
  const dealer = new Dealer({ linger: 0, sendTimeout: 0, routingId, receiveTimeout: 500 })
  t.teardown(() => dealer.close())
  dealer.connect(endpoint)
  return dealer
}

t.test(
  'of two requesters with one routing id the earlier is served on, and the later once the earlier has left',
  async (t) => {
    const lane = await ZeromqStreamLane.open({ clock: systemClock })
    t.teardown(() => lane.close())
    lane.serve((request) => request)
    const [endpoint = ''] = lane.requestEndpoints
    const first = dealerNamed(t, 'same', endpoint)
    t.equal(await ask(first, 'id-1'), 'id-1?')
    const second = dealerNamed(t, 'same', endpoint)
    await t.rejects(ask(second, 'id-2'), { code: 'EAGAIN' }, 'libzmq reads nothing from the later one')
    t.equal(await ask(first, 'id-3'), 'id-3?', 'the earlier one has not lost its answers')
    second.close()
    first.close()
    let answer = ''
    await until('the name is free again', () => {
      if (answer === '') {
        answer = 'asking'
        const third = dealerNamed(t, 'same', endpoint)
        ask(third, 'id-4').then(
          (reply) => {
            answer = reply
          },
          () => {
            answer = ''
            third.close()
          },
        )
      }
      return answer === 'id-4?'
    })
  },
)

t.test('requesters of this library have no routing id in common, so each is answered', async (t) => {
  const router = new Router({ ...libzmq, mandatory: true })
  t.teardown(() => router.close())
  await router.bind('tcp://127.0.0.1:*')
  const lanes = await Promise.all([1, 2, 3].map(() => ZeromqStreamLane.open({ clock: systemClock })))
  t.teardown(() => Promise.all(lanes.map((lane) => lane.close())))
  const asked = lanes.map((lane) => lane.request(router.lastEndpoint ?? '', bytes('?'), { timeoutMs: 60_000 }))
  const ids = new Set<string>()
  for (const _ of lanes) {
    const [routingId = Buffer.alloc(0), requestId = Buffer.alloc(0)] = await router.receive()
    ids.add(routingId.toString('hex'))
    await router.send([routingId, requestId, bytes('!')])
  }
  t.equal(ids.size, 3)
  t.same(await Promise.all(asked), [bytes('!'), bytes('!'), bytes('!')])
})

t.test('a ROUTER of a worker thread answers two requesters with one routing id', async (t) => {
  const router = new ZmtpRouter(options)
  t.teardown(() => router.close())
  await router.bind('tcp://127.0.0.1:*')
  const dealers = [1, 2].map(() => dealerNamed(t, 'same', router.lastEndpoint ?? ''))
  for (const dealer of dealers) {
    const answer = ask(dealer, 'id')
    const [peer = Buffer.alloc(0), ...request] = await router.receive()
    await router.send([peer, ...request])
    t.equal(await answer, 'id?')
  }
})

const listeners: Readonly<Record<string, () => ReceivingSocket>> = {
  libzmq: () => new XPublisher(libzmq),
  'a worker thread': () => new ZmtpXPublisher(options),
}

for (const [earlier, open] of Object.entries(listeners)) {
  for (const [later, openLater] of Object.entries(listeners)) {
    t.test(`a port of ${earlier} is refused to ${later}, also at the wildcard address`, async (t) => {
      const holder = open()
      t.teardown(() => holder.close())
      await holder.bind('tcp://127.0.0.1:*')
      const endpoint = holder.lastEndpoint ?? ''
      for (const wanted of [endpoint, endpoint.replace('127.0.0.1', '0.0.0.0')]) {
        const other = openLater()
        await t.rejects(Promise.resolve(other.bind(wanted)), { code: 'EADDRINUSE' }, wanted)
        other.close()
      }
    })
  }
}

t.test('the port that a participant sends from is refused to every other socket', async (t) => {
  const sender = await DatagramSender.open(localhostRange, [], new Counters())
  t.teardown(() => sender.close())
  for (const reuse of [{}, { reuseAddr: true }]) {
    const other = createSocket({ type: 'udp4', ...reuse })
    other.bind({ address: '127.0.0.1', port: sender.port, exclusive: true })
    const [error] = await Promise.race([once(other, 'error'), once(other, 'listening').then(() => [undefined])])
    t.match(error, { code: 'EADDRINUSE' }, JSON.stringify(reuse))
    if (error === undefined) other.close()
  }
})
