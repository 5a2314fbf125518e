import type { Test } from 'tap'
import type { Group, Transport } from '../../src/transport/lane/transport.js'

/** What a transport's test file must provide so that the common cases can run against it. */
export interface LaneHarness {
  /** A new participant's transport. */
  open(name: string): Promise<Transport>
  readonly port: number
  /** A well-formed endpoint at which no process listens. */
  readonly deadEndpoint: string
  /** Lets time pass until the condition holds. Rejects after a generous timeout. */
  until(what: string, condition: () => boolean): Promise<void>
  /** Lets time pass until `work` settles. Settles like `work`. */
  settle<T>(work: Promise<T>): Promise<T>
  /** Closes every transport and checks that nothing is left behind. */
  close(): Promise<void>
}

const text = (body: Buffer): string => body.toString('utf8')
const bytes = (content: string): Buffer => Buffer.from(content, 'utf8')

/** Runs the cases that every transport must pass, in memory or real. */
export function laneConformance(t: Test, makeHarness: (t: Test) => Promise<LaneHarness>): void {
  const lane = (name: string, run: (t: Test, harness: LaneHarness) => Promise<void>): void => {
    t.test(name, async (t) => {
      const harness = await makeHarness(t)
      try {
        await run(t, harness)
      } finally {
        await harness.close()
      }
    })
  }
  const group = (harness: LaneHarness, name = 'g1'): Group => ({ name, port: harness.port })

  lane('datagram: each joined participant receives a frame exactly once, the sender included', async (t, harness) => {
    const received: string[] = []
    const transports = [await harness.open('a'), await harness.open('b'), await harness.open('c')]
    for (const [index, transport] of transports.entries()) {
      await transport.datagram.join(group(harness), (body, from) => {
        t.type(from.address, 'string')
        received.push(`${index}:${text(body)}`)
      })
    }
    transports[0]?.datagram.send(group(harness), bytes('one'))
    await harness.until('three arrivals', () => received.length >= 3)
    transports[1]?.datagram.send(group(harness), bytes('two'))
    await harness.until('six arrivals', () => received.length >= 6)
    t.same(received.sort(), ['0:one', '0:two', '1:one', '1:two', '2:one', '2:two'])
  })

  lane('datagram: groups on one port are separate, and so are ports', async (t, harness) => {
    const a = await harness.open('a')
    const b = await harness.open('b')
    const received: string[] = []
    const elsewhere = { name: 'g1', port: harness.port + 1 }
    await b.datagram.join(group(harness, 'g1'), (body) => received.push(`g1:${text(body)}`))
    await b.datagram.join(group(harness, 'g2'), (body) => received.push(`g2:${text(body)}`))
    await b.datagram.join(elsewhere, (body) => received.push(`other port:${text(body)}`))
    for (const to of [group(harness, 'g3'), group(harness, 'g1'), group(harness, 'g2'), elsewhere]) {
      a.datagram.send(to, bytes('x'))
    }
    await harness.until('three arrivals', () => received.length >= 3)
    t.same(received.sort(), ['g1:x', 'g2:x', 'other port:x'])
  })

  lane(
    'datagram: two handlers of one group get their own copy of the bytes and leave independently',
    async (t, harness) => {
      const a = await harness.open('a')
      const first: Buffer[] = []
      const second: Buffer[] = []
      const membership = await a.datagram.join(group(harness), (body) => {
        first.push(body)
        body.fill(0)
      })
      await a.datagram.join(group(harness), (body) => second.push(body))
      a.datagram.send(group(harness), bytes('ab'))
      await harness.until('both handlers to receive it', () => first.length === 1 && second.length === 1)
      t.same(second[0], bytes('ab'))
      membership.close()
      membership.close()
      a.datagram.send(group(harness), bytes('cd'))
      await harness.until('the second handler to receive again', () => second.length === 2)
      t.equal(first.length, 1)
    },
  )

  lane('datagram: a group that its last handler left can be joined again', async (t, harness) => {
    const a = await harness.open('a')
    const received: string[] = []
    const first = await a.datagram.join(group(harness), (body) => received.push(`first:${text(body)}`))
    first.close()
    await a.datagram.join(group(harness), (body) => received.push(`second:${text(body)}`))
    a.datagram.send(group(harness), bytes('x'))
    await harness.until('an arrival', () => received.length > 0)
    t.same(received, ['second:x'])
  })

  lane('datagram: a throwing handler is counted and the other handlers still receive', async (t, harness) => {
    const a = await harness.open('a')
    const received: string[] = []
    await a.datagram.join(group(harness), () => {
      throw new Error('from the handler')
    })
    await a.datagram.join(group(harness), (body) => received.push(text(body)))
    a.datagram.send(group(harness), bytes('1'))
    await harness.until('the first frame', () => received.length === 1)
    a.datagram.send(group(harness), bytes('2'))
    await harness.until('the second frame', () => received.length === 2)
    t.equal(a.datagram.counters.get('datagram.failed.handler'), 2)
  })

  lane('datagram: the largest body arrives, a larger one is refused', async (t, harness) => {
    const a = await harness.open('a')
    const received: Buffer[] = []
    const longest = { name: 'fifteen-letters', port: harness.port }
    await a.datagram.join(longest, (body) => received.push(body))
    const largest = Buffer.alloc(a.datagram.maxBodyBytes, 7)
    a.datagram.send(longest, largest)
    await harness.until('an arrival', () => received.length > 0)
    t.same(received[0], Buffer.alloc(a.datagram.maxBodyBytes, 7))
    t.throws(() => a.datagram.send(longest, Buffer.alloc(a.datagram.maxBodyBytes + 1)), { code: 'NUMACAST_LIMIT' })
    await harness.until('nothing pending', () => a.datagram.pending === 0)
  })

  lane('datagram: an invalid group is refused', async (t, harness) => {
    const a = await harness.open('a')
    const ignore = (): void => {}
    for (const bad of [
      { name: '', port: harness.port },
      { name: 'sixteen-letters!', port: harness.port },
      { name: 'ümlaut', port: harness.port },
      { name: 'g', port: 0 },
      { name: 'g', port: 65_536 },
    ]) {
      await t.rejects(a.datagram.join(bad, ignore), { code: 'NUMACAST_INVALID_ARGUMENT' })
      t.throws(() => a.datagram.send(bad, bytes('x')), { code: 'NUMACAST_INVALID_ARGUMENT' })
    }
  })

  lane('stream: each of many concurrent requests gets its own reply', async (t, harness) => {
    const server = await harness.open('server')
    const client = await harness.open('client')
    server.stream.serve(async (request) => {
      if (text(request).endsWith('0')) await Promise.resolve()
      return bytes(`re:${text(request)}`)
    })
    t.ok(server.stream.requestEndpoints.length > 0)
    for (const endpoint of server.stream.requestEndpoints) {
      const replies = Array.from({ length: 200 }, (_, index) =>
        client.stream.request(endpoint, bytes(String(index)), { timeoutMs: 30_000 }),
      )
      t.same(
        (await harness.settle(Promise.all(replies))).map(text),
        Array.from({ length: 200 }, (_, index) => `re:${index}`),
        endpoint,
      )
    }
  })

  lane('stream: a participant can send a request to itself, and empty bodies arrive', async (t, harness) => {
    const own = await harness.open('own')
    own.stream.serve((request) => {
      t.equal(request.length, 0)
      return new Uint8Array(0)
    })
    const reply = own.stream.request(own.stream.requestEndpoints[0] ?? '', new Uint8Array(0), { timeoutMs: 30_000 })
    t.equal((await harness.settle(reply)).length, 0)
  })

  lane(
    'stream: a request without a server or a working handler times out, later ones are answered',
    async (t, harness) => {
      const server = await harness.open('server')
      const client = await harness.open('client')
      const endpoint = server.stream.requestEndpoints[0] ?? ''
      const ask = (to: string, timeoutMs: number): Promise<Buffer> =>
        harness.settle(client.stream.request(to, bytes('?'), { timeoutMs }))
      await t.rejects(ask(harness.deadEndpoint, 20), { code: 'NUMACAST_TIMEOUT' })
      await t.rejects(ask(endpoint, 1_000), { code: 'NUMACAST_TIMEOUT' })
      await harness.until('the refusal', () => server.stream.counters.get('stream.rejected.not-serving') === 1)
      server.stream.serve(() => {
        throw new Error('from the handler')
      })
      await t.rejects(ask(endpoint, 1_000), { code: 'NUMACAST_TIMEOUT' })
      await harness.until('the failure', () => server.stream.counters.get('stream.failed.handler') === 1)
      server.stream.serve(() => Promise.reject(new Error('later, from the handler')))
      await t.rejects(ask(endpoint, 1_000), { code: 'NUMACAST_TIMEOUT' })
      await harness.until('the failure', () => server.stream.counters.get('stream.failed.handler') === 2)
      server.stream.serve(() => bytes('!'))
      t.equal(text(await ask(endpoint, 30_000)), '!')
    },
  )

  lane('stream: a reply after its timeout is dropped and answers no other request', async (t, harness) => {
    const server = await harness.open('server')
    const client = await harness.open('client')
    const endpoint = server.stream.requestEndpoints[0] ?? ''
    const answers: ((reply: Buffer) => void)[] = []
    server.stream.serve(() => new Promise<Buffer>((resolve) => answers.push(resolve)))
    const late = harness.settle(client.stream.request(endpoint, bytes('late'), { timeoutMs: 300 }))
    const held = harness.settle(client.stream.request(endpoint, bytes('held'), { timeoutMs: 30_000 }))
    await t.rejects(late, { code: 'NUMACAST_TIMEOUT' })
    await harness.until('both requests', () => answers.length === 2)
    const next = harness.settle(client.stream.request(endpoint, bytes('next'), { timeoutMs: 30_000 }))
    await harness.until('the next request', () => answers.length === 3)
    for (const [index, answer] of answers.entries()) answer(bytes(String(index)))
    t.equal(text(await held), '1')
    t.equal(text(await next), '2')
  })

  lane('stream: an aborted request rejects with the reason of its signal', async (t, harness) => {
    const client = await harness.open('client')
    const abort = new AbortController()
    const reply = client.stream.request(harness.deadEndpoint, bytes('?'), { timeoutMs: 30_000, signal: abort.signal })
    const reason = new Error('changed my mind')
    abort.abort(reason)
    await t.rejects(reply, reason)
    await t.rejects(
      client.stream.request(harness.deadEndpoint, bytes('?'), { timeoutMs: 30_000, signal: abort.signal }),
      reason,
    )
  })

  lane('stream: a subscriber receives the frames of its group, in order, and no others', async (t, harness) => {
    const publisher = await harness.open('publisher')
    const one = await harness.open('one')
    const two = await harness.open('two')
    const endpoints = await publisher.stream.publishEndpoints()
    t.same(await publisher.stream.publishEndpoints(), endpoints)
    const received: Record<'one' | 'two' | 'prefix', string[]> = { one: [], two: [], prefix: [] }
    const last = endpoints[endpoints.length - 1] ?? ''
    one.stream.subscribe(endpoints[0] ?? '', 'g1', (body) => received.one.push(text(body)))
    two.stream.subscribe(last, 'g1', (body) => received.two.push(text(body)))
    two.stream.subscribe(last, 'g', (body) => received.prefix.push(text(body)))
    await harness.until('both are connected', () => {
      publisher.stream.publish('g1', bytes('hello'))
      publisher.stream.publish('g', bytes('short'))
      return received.one.length > 0 && received.two.length > 0 && received.prefix.length > 0
    })
    const numbers = Array.from({ length: 500 }, (_, index) => String(index))
    // As many at once as the queue of a subscriber holds: more would be dropped.
    for (let start = 0; start < numbers.length; start += 100) {
      for (const number of numbers.slice(start, start + 100)) publisher.stream.publish('g1', bytes(number))
      const last = String(start + 99)
      await harness.until(`number ${last}`, () => received.one.at(-1) === last && received.two.at(-1) === last)
    }
    const afterHello = (list: string[]): string[] => list.filter((entry) => entry !== 'hello')
    t.same(afterHello(received.one), numbers)
    t.same(afterHello(received.two), numbers)
    t.ok(received.prefix.every((entry) => entry === 'short'))
  })

  lane('stream: closing a subscription leaves the others open and is idempotent', async (t, harness) => {
    const publisher = await harness.open('publisher')
    const reader = await harness.open('reader')
    const endpoint = (await publisher.stream.publishEndpoints())[0] ?? ''
    let [first, second, other] = [0, 0, 0]
    const subscription = reader.stream.subscribe(endpoint, 'g1', () => first++)
    reader.stream.subscribe(endpoint, 'g1', () => second++)
    reader.stream.subscribe(endpoint, 'g2', () => other++)
    const publishAll = (): void => {
      publisher.stream.publish('g1', bytes('x'))
      publisher.stream.publish('g2', bytes('x'))
    }
    await harness.until('all three to receive', () => {
      publishAll()
      return first > 0 && second > 0 && other > 0
    })
    subscription.close()
    subscription.close()
    const [firstThen, secondThen, otherThen] = [first, second, other]
    await harness.until('the others to receive more', () => {
      publishAll()
      return second > secondThen && other > otherThen
    })
    t.equal(first, firstThen)
  })

  lane('stream: a subscription works once its peer appears or returns', async (t, harness) => {
    const reader = await harness.open('reader')
    const gone = reader.stream.subscribe(harness.deadEndpoint, 'g1', () => t.fail('no process publishes there'))
    const publisher = await harness.open('publisher')
    let received = 0
    reader.stream.subscribe((await publisher.stream.publishEndpoints())[0] ?? '', 'g1', () => received++)
    await harness.until('a frame to arrive', () => {
      publisher.stream.publish('g1', bytes('x'))
      return received > 0
    })
    gone.close()
  })

  lane('stream: a large body arrives whole, one above the limit is refused', async (t, harness) => {
    const server = await harness.open('server')
    const client = await harness.open('client')
    server.stream.serve((request) => request)
    const body = Buffer.alloc(1024 * 1024)
    for (let index = 0; index < body.length; index++) body[index] = index % 251
    const endpoint = server.stream.requestEndpoints[0] ?? ''
    const reply = await harness.settle(client.stream.request(endpoint, body, { timeoutMs: 60_000 }))
    t.ok(reply.equals(body))
    const tooLarge = Buffer.alloc(64 * 1024 * 1024)
    await t.rejects(client.stream.request(endpoint, tooLarge, { timeoutMs: 1_000 }), { code: 'NUMACAST_LIMIT' })
    t.throws(() => server.stream.publish('g1', tooLarge), { code: 'NUMACAST_LIMIT' })
    server.stream.serve(() => tooLarge)
    await t.rejects(harness.settle(client.stream.request(endpoint, bytes('?'), { timeoutMs: 1_000 })), {
      code: 'NUMACAST_TIMEOUT',
    })
    await harness.until('the refusal to be counted', () => server.stream.counters.get('stream.dropped.too-large') === 1)
  })

  lane('stream: a request to a peer that dies times out instead of hanging', async (t, harness) => {
    const server = await harness.open('server')
    const client = await harness.open('client')
    server.stream.serve(() => bytes('alive'))
    const endpoint = server.stream.requestEndpoints[0] ?? ''
    const ask = (timeoutMs: number): Promise<Buffer> =>
      harness.settle(client.stream.request(endpoint, bytes('?'), { timeoutMs }))
    t.equal(text(await ask(30_000)), 'alive')
    await server.close()
    await t.rejects(ask(50), { code: 'NUMACAST_TIMEOUT' })
    await t.rejects(ask(50), { code: 'NUMACAST_TIMEOUT' })
    await client.close()
  })

  lane('close: ends pending calls, refuses later ones, and is idempotent', async (t, harness) => {
    const a = await harness.open('a')
    const b = await harness.open('b')
    let received = 0
    const membership = await a.datagram.join(group(harness), () => received++)
    const subscription = a.stream.subscribe((await b.stream.publishEndpoints())[0] ?? '', 'g1', () => received++)
    await a.stream.publishEndpoints()
    b.stream.serve(() => new Promise<Buffer>(() => {}))
    const waiting = [harness.deadEndpoint, b.stream.requestEndpoints[0] ?? ''].map((endpoint) =>
      a.stream.request(endpoint, bytes('?'), { timeoutMs: 60_000 }),
    )
    const ended = waiting.map((reply) => t.rejects(reply, { code: 'NUMACAST_CLOSED' }))
    await Promise.all([a.close(), a.close()])
    await a.close()
    await Promise.all(ended)
    membership.close()
    subscription.close()

    await t.rejects(
      a.datagram.join(group(harness), () => {}),
      { code: 'NUMACAST_CLOSED' },
    )
    await t.rejects(a.stream.request(harness.deadEndpoint, bytes('?'), { timeoutMs: 10 }), { code: 'NUMACAST_CLOSED' })
    await t.rejects(a.stream.publishEndpoints(), { code: 'NUMACAST_CLOSED' })
    t.throws(() => a.stream.subscribe(harness.deadEndpoint, 'g1', () => {}), { code: 'NUMACAST_CLOSED' })
    a.datagram.send(group(harness), bytes('x'))
    a.stream.publish('g1', bytes('x'))
    t.equal(a.datagram.counters.get('datagram.dropped.closed'), 1)
    t.equal(a.stream.counters.get('stream.dropped.closed'), 1)
    t.equal(received, 0)
  })
}
