import type { Test } from 'tap'
import type { Group, Transport } from '../../src/transport/lane/transport.js'

/** What a transport's test file must provide so that the common cases can run against it. */
export interface LaneHarness {
  /** A new participant's transport. */
  open(name: string): Promise<Transport>
  readonly port: number
  /** A well-formed endpoint that nobody serves. */
  readonly deadEndpoint: string
  /** Lets time pass until the condition holds; rejects after a generous while. */
  until(what: string, condition: () => boolean): Promise<void>
  /** Lets time pass while `work` is under way, and gives its outcome. */
  settle<T>(work: Promise<T>): Promise<T>
  /** Closes every transport and checks that nothing is left behind. */
  close(): Promise<void>
}

const text = (body: Buffer): string => body.toString('utf8')
const bytes = (content: string): Buffer => Buffer.from(content, 'utf8')

/** The cases that every transport must pass: memory and real ones alike. */
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

  lane('datagram: everybody who joined hears a frame exactly once, the sender too', async (t, harness) => {
    const heard: string[] = []
    const transports = [await harness.open('a'), await harness.open('b'), await harness.open('c')]
    for (const [index, transport] of transports.entries()) {
      await transport.datagram.join(group(harness), (body, from) => {
        t.type(from.address, 'string')
        heard.push(`${index}:${text(body)}`)
      })
    }
    transports[0]?.datagram.send(group(harness), bytes('one'))
    await harness.until('three arrivals', () => heard.length >= 3)
    transports[1]?.datagram.send(group(harness), bytes('two'))
    await harness.until('six arrivals', () => heard.length >= 6)
    t.same(heard.sort(), ['0:one', '0:two', '1:one', '1:two', '2:one', '2:two'])
  })

  lane('datagram: groups on one port are apart, and so are ports', async (t, harness) => {
    const a = await harness.open('a')
    const b = await harness.open('b')
    const heard: string[] = []
    const elsewhere = { name: 'g1', port: harness.port + 1 }
    await b.datagram.join(group(harness, 'g1'), (body) => heard.push(`g1:${text(body)}`))
    await b.datagram.join(group(harness, 'g2'), (body) => heard.push(`g2:${text(body)}`))
    await b.datagram.join(elsewhere, (body) => heard.push(`other port:${text(body)}`))
    for (const to of [group(harness, 'g3'), group(harness, 'g1'), group(harness, 'g2'), elsewhere]) {
      a.datagram.send(to, bytes('x'))
    }
    await harness.until('three arrivals', () => heard.length >= 3)
    t.same(heard.sort(), ['g1:x', 'g2:x', 'other port:x'])
  })

  lane('datagram: two handlers of one group each own their bytes, and leave one by one', async (t, harness) => {
    const a = await harness.open('a')
    const first: Buffer[] = []
    const second: Buffer[] = []
    const membership = await a.datagram.join(group(harness), (body) => {
      first.push(body)
      body.fill(0)
    })
    await a.datagram.join(group(harness), (body) => second.push(body))
    a.datagram.send(group(harness), bytes('ab'))
    await harness.until('both heard it', () => first.length === 1 && second.length === 1)
    t.same(second[0], bytes('ab'))
    membership.close()
    membership.close()
    a.datagram.send(group(harness), bytes('cd'))
    await harness.until('the second heard again', () => second.length === 2)
    t.equal(first.length, 1)
  })

  lane('datagram: the last one to leave can come back', async (t, harness) => {
    const a = await harness.open('a')
    const heard: string[] = []
    const first = await a.datagram.join(group(harness), (body) => heard.push(`first:${text(body)}`))
    first.close()
    await a.datagram.join(group(harness), (body) => heard.push(`second:${text(body)}`))
    a.datagram.send(group(harness), bytes('x'))
    await harness.until('an arrival', () => heard.length > 0)
    t.same(heard, ['second:x'])
  })

  lane('datagram: a throwing handler is counted and silences nobody', async (t, harness) => {
    const a = await harness.open('a')
    const heard: string[] = []
    await a.datagram.join(group(harness), () => {
      throw new Error('from the handler')
    })
    await a.datagram.join(group(harness), (body) => heard.push(text(body)))
    a.datagram.send(group(harness), bytes('1'))
    await harness.until('the first', () => heard.length === 1)
    a.datagram.send(group(harness), bytes('2'))
    await harness.until('the second', () => heard.length === 2)
    t.equal(a.datagram.counters.get('datagram.failed.handler'), 2)
  })

  lane('datagram: the largest body passes, a larger one is refused', async (t, harness) => {
    const a = await harness.open('a')
    const heard: Buffer[] = []
    const longest = { name: 'fifteen-letters', port: harness.port }
    await a.datagram.join(longest, (body) => heard.push(body))
    const largest = Buffer.alloc(a.datagram.maxBodyBytes, 7)
    a.datagram.send(longest, largest)
    await harness.until('an arrival', () => heard.length > 0)
    t.same(heard[0], Buffer.alloc(a.datagram.maxBodyBytes, 7))
    t.throws(() => a.datagram.send(longest, Buffer.alloc(a.datagram.maxBodyBytes + 1)), { code: 'NUMACAST_LIMIT' })
    await harness.until('nothing pending', () => a.datagram.pending === 0)
  })

  lane('datagram: bad groups are refused by name', async (t, harness) => {
    const a = await harness.open('a')
    const nobody = (): void => {}
    for (const bad of [
      { name: '', port: harness.port },
      { name: 'sixteen-letters!', port: harness.port },
      { name: 'ümlaut', port: harness.port },
      { name: 'g', port: 0 },
      { name: 'g', port: 65_536 },
    ]) {
      await t.rejects(a.datagram.join(bad, nobody), { code: 'NUMACAST_INVALID_ARGUMENT' })
      t.throws(() => a.datagram.send(bad, bytes('x')), { code: 'NUMACAST_INVALID_ARGUMENT' })
    }
  })

  lane('stream: many requests at once each get their own reply', async (t, harness) => {
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

  lane('stream: a participant may ask itself, and empty bodies pass', async (t, harness) => {
    const own = await harness.open('own')
    own.stream.serve((request) => {
      t.equal(request.length, 0)
      return new Uint8Array(0)
    })
    const reply = own.stream.request(own.stream.requestEndpoints[0] ?? '', new Uint8Array(0), { timeoutMs: 30_000 })
    t.equal((await harness.settle(reply)).length, 0)
  })

  lane('stream: no server, no handler and a failing handler all time out, and the rest goes on', async (t, harness) => {
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
  })

  lane('stream: a reply after its timeout is given to nobody, least of all to the next request', async (t, harness) => {
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

  lane('stream: aborting ends the wait with the reason', async (t, harness) => {
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

  lane('stream: subscribers hear their groups, in order, and nothing else', async (t, harness) => {
    const publisher = await harness.open('publisher')
    const one = await harness.open('one')
    const two = await harness.open('two')
    const endpoints = await publisher.stream.publishEndpoints()
    t.same(await publisher.stream.publishEndpoints(), endpoints)
    const heard: Record<'one' | 'two' | 'prefix', string[]> = { one: [], two: [], prefix: [] }
    const last = endpoints[endpoints.length - 1] ?? ''
    one.stream.subscribe(endpoints[0] ?? '', 'g1', (body) => heard.one.push(text(body)))
    two.stream.subscribe(last, 'g1', (body) => heard.two.push(text(body)))
    two.stream.subscribe(last, 'g', (body) => heard.prefix.push(text(body)))
    await harness.until('both are connected', () => {
      publisher.stream.publish('g1', bytes('hello'))
      publisher.stream.publish('g', bytes('short'))
      return heard.one.length > 0 && heard.two.length > 0 && heard.prefix.length > 0
    })
    const numbers = Array.from({ length: 500 }, (_, index) => String(index))
    // So many at once as may wait for a subscriber: more would be dropped for it.
    for (let start = 0; start < numbers.length; start += 100) {
      for (const number of numbers.slice(start, start + 100)) publisher.stream.publish('g1', bytes(number))
      const last = String(start + 99)
      await harness.until(`number ${last}`, () => heard.one.at(-1) === last && heard.two.at(-1) === last)
    }
    const afterHello = (list: string[]): string[] => list.filter((entry) => entry !== 'hello')
    t.same(afterHello(heard.one), numbers)
    t.same(afterHello(heard.two), numbers)
    t.ok(heard.prefix.every((entry) => entry === 'short'))
  })

  lane('stream: a subscription ends alone, and twice is fine', async (t, harness) => {
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
    await harness.until('all heard', () => {
      publishAll()
      return first > 0 && second > 0 && other > 0
    })
    subscription.close()
    subscription.close()
    const [firstThen, secondThen, otherThen] = [first, second, other]
    await harness.until('the others hear more', () => {
      publishAll()
      return second > secondThen && other > otherThen
    })
    t.equal(first, firstThen)
  })

  lane('stream: a subscription to a peer that appears or returns later works then', async (t, harness) => {
    const reader = await harness.open('reader')
    const gone = reader.stream.subscribe(harness.deadEndpoint, 'g1', () => t.fail('nobody is there'))
    const publisher = await harness.open('publisher')
    let heard = 0
    reader.stream.subscribe((await publisher.stream.publishEndpoints())[0] ?? '', 'g1', () => heard++)
    await harness.until('it is heard', () => {
      publisher.stream.publish('g1', bytes('x'))
      return heard > 0
    })
    gone.close()
  })

  lane('stream: large bodies pass whole, too large ones are refused', async (t, harness) => {
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
    await harness.until('it was counted', () => server.stream.counters.get('stream.dropped.too-large') === 1)
  })

  lane('stream: a peer that dies leaves a timeout, not a hang', async (t, harness) => {
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

  lane('close: ends what waits, refuses what follows, twice is fine', async (t, harness) => {
    const a = await harness.open('a')
    const b = await harness.open('b')
    let heard = 0
    const membership = await a.datagram.join(group(harness), () => heard++)
    const subscription = a.stream.subscribe((await b.stream.publishEndpoints())[0] ?? '', 'g1', () => heard++)
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
    t.equal(heard, 0)
  })
}
