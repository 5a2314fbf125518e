import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/core/time/clock.js'
import type { ReaderEvent } from '../../src/pubsub/model/events.js'
import { defineTopic, Lane } from '../../src/pubsub/model/topic.js'
import { joinDomain } from '../../src/pubsub/participant.js'
import type { QosOptions } from '../../src/qos/qos.js'
import { until } from '../../src/testing/eventually.js'
import { parseEndpoint } from '../../src/transport/lane/endpoint.js'
import type { StreamLane } from '../../src/transport/lane/transport.js'
import { type NetworkTransport, openTransport } from '../../src/transport/open.js'
import { claimDomain } from '../support/domain-lock.js'

/** Readers whose stream libzmq gives up, after an oversized message or a refused handshake. Real sockets. */

t.setTimeout(300_000)

type Value = { readonly id: string; readonly n: number }

/** A TCP relay to a publisher. A test breaks its connections. */
class StreamRelay {
  /** Whether connections are answered with a security mechanism that libzmq refuses. */
  isRefusing = false
  refused = 0
  /** Sent to subscribers, the handshakes included. */
  forwardedBytes = 0
  readonly #server = createServer((socket) => this.#onConnection(socket))
  readonly #sockets = new Set<Socket>()
  #target = { host: '', port: 0 }

  async listen(): Promise<string> {
    this.#server.listen({ host: '127.0.0.1', port: 0, exclusive: true })
    await once(this.#server, 'listening')
    return `tcp://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  set target(endpoint: string) {
    const { address, port } = parseEndpoint(endpoint)
    this.#target = { host: address, port }
  }

  /** Sends each subscriber the head of a message of a terabyte. */
  sendOversized(): void {
    const head = Buffer.alloc(9)
    head[0] = 0x02 // a long frame
    head.writeBigUInt64BE(1n << 40n, 1)
    for (const socket of this.#sockets) socket.write(head)
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.cut()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #onConnection(socket: Socket): void {
    socket.on('error', () => undefined)
    if (this.isRefusing) {
      this.refused++
      const greeting = Buffer.alloc(64)
      greeting[0] = 0xff
      greeting[9] = 0x7f
      greeting[10] = 3
      greeting.write('CURVE', 12)
      socket.end(greeting)
      socket.resume()
      return
    }
    this.#sockets.add(socket)
    const upstream = connect(this.#target)
    upstream.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#sockets.delete(socket)
      upstream.destroy()
    })
    upstream.on('data', ({ length }) => {
      this.forwardedBytes += length
    })
    socket.pipe(upstream).pipe(socket)
  }
}

/** A stream lane whose live frames are announced at a relay. */
function relayed(lane: StreamLane, relay: StreamRelay, endpoint: string): StreamLane {
  return new Proxy(lane, {
    get(target, property) {
      if (property === 'liveEndpoints') return target.liveEndpoints.length === 0 ? [] : [endpoint]
      if (property === 'publishEndpoints') {
        return async () => {
          const [first = ''] = await target.publishEndpoints()
          relay.target = first
          return [endpoint]
        }
      }
      const value = Reflect.get(target, property, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

async function openPair(t: Test, qos: QosOptions) {
  const domain = await claimDomain(t)
  const topic = defineTopic<Value>({ name: 'broken', key: 'id', fields: ['id', 'n'], lane: Lane.stream })
  const relay = new StreamRelay()
  const endpoint = await relay.listen()
  const open = (): Promise<NetworkTransport> => openTransport({ domain, clock: systemClock })
  const [own, reading] = [await open(), await open()]
  const source = await joinDomain(
    { domain, name: 'source' },
    {
      transport: {
        range: own.range,
        datagram: own.datagram,
        stream: relayed(own.stream, relay, endpoint),
        close: () => own.close(),
      },
    },
  )
  const sink = await joinDomain({ domain, name: 'sink' }, { transport: reading })
  t.teardown(() => Promise.all([source.close(), sink.close(), relay.close()]))
  const events: ReaderEvent[] = []
  const received: number[] = []
  const writer = source.writer(topic)
  const reader = sink.reader(topic, { qos })
  reader.onEvent((event) => events.push(event))
  reader.onSample(({ value }) => value !== undefined && received.push(value.n))
  let written = 0
  const write = (): void => {
    writer.write({ id: 'k', n: ++written })
    writer.flush()
  }
  // A handshake takes about 100 bytes.
  await until('live frames arrive by the relay', () => {
    write()
    return received.length > 1 && relay.forwardedBytes > 1_000
  })
  const begun = received.at(-1) ?? 0
  events.length = 0
  const lost = () => events.flatMap((event) => (event.kind === 'sample-lost' ? event : []))
  /** Whether each number up to the last one received has arrived, or is reported as lost. */
  const isAccounted = (): boolean => {
    const arrived = new Set(received.filter((n) => n > begun)).size
    return arrived + lost().reduce((sum, { lostCount }) => sum + lostCount, 0) === (received.at(-1) ?? 0) - begun
  }
  return { relay, reading, received, lost, isAccounted, write, written: () => written }
}

const breakages = {
  'an oversized message': async ({ relay }: { relay: StreamRelay }) => relay.sendOversized(),
  'a refused handshake': async ({ relay }: { relay: StreamRelay }) => {
    relay.isRefusing = true
    relay.cut()
    await until('the handshake is refused', () => relay.refused > 0)
  },
}

for (const [name, breakStream] of Object.entries(breakages)) {
  t.test(`a volatile best-effort reader is told what it lost when ${name} has ended its stream`, async (t) => {
    const pair = await openPair(t, { durability: 'volatile', reliability: 'best-effort' })
    const { relay, reading, received, lost, isAccounted, write, written } = pair
    const before = reading.stream.counters.get('stream.redialled')
    await breakStream(pair)
    const count = received.length
    const first = written() + 1
    for (let n = 0; n < 20; n++) write()
    relay.isRefusing = false
    await until('frames arrive again', () => {
      write()
      return received.length > count && (received.at(-1) ?? 0) > first + 20
    })
    t.ok(reading.stream.counters.get('stream.redialled') > before, 'the stream was dialled again')
    t.match(lost(), [{ kind: 'sample-lost', reason: 'gap' }])
    t.ok(isAccounted(), 'each number has arrived or is reported')
  })

  t.test(`a volatile reliable reader gets or is told every number when ${name} has ended its stream`, async (t) => {
    const pair = await openPair(t, { durability: 'volatile', historyDepth: 5 })
    const { relay, reading, received, lost, isAccounted, write, written } = pair
    const before = reading.stream.counters.get('stream.redialled')
    await breakStream(pair)
    for (let n = 0; n < 20; n++) write()
    await until('a repair brings the last value', () => received.at(-1) === written())
    t.match(lost().at(-1), { kind: 'sample-lost', reason: 'overwritten' }, 'the writer has kept one value only')
    relay.isRefusing = false
    await until('the stream is dialled again', () => reading.stream.counters.get('stream.redialled') > before)
    await until('each number has arrived or is reported', () => {
      write()
      return isAccounted()
    })
  })
}
