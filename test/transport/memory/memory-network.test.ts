import t, { type Test } from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import { FakeClock } from '../../../src/testing/fake-clock.js'
import type { Transport } from '../../../src/transport/lane/transport.js'
import { MemoryNetwork, type MemoryNetworkOptions } from '../../../src/transport/memory/memory-network.js'
import { type LaneHarness, laneConformance } from '../lane-conformance.js'

const g = { name: 'g', port: 7400 }

function network(options: Partial<MemoryNetworkOptions> = {}) {
  const clock = new FakeClock()
  return { clock, network: new MemoryNetwork({ clock, ...options }) }
}

async function listen(transport: Transport): Promise<string[]> {
  const received: string[] = []
  await transport.datagram.join(g, (body) => received.push(body.toString()))
  return received
}

t.test('conformance', (t) => {
  laneConformance(t, memoryHarness)
  t.end()
})

async function memoryHarness(t: Test): Promise<LaneHarness> {
  const { clock, network: net } = network()
  const opened: Transport[] = []
  return {
    port: 7400,
    deadEndpoint: 'memory://absent/0',
    async open(name) {
      const transport = net.open(name)
      opened.push(transport)
      return transport
    },
    async until(what, condition) {
      for (let turn = 0; turn < 10_000; turn++) {
        if (condition()) return
        await clock.advance(1)
      }
      t.fail(`never happened: ${what}`)
    },
    async settle(work) {
      let done = false
      const watched = work.finally(() => {
        done = true
      })
      watched.catch(() => {})
      while (!done) await clock.advance(1)
      return watched
    },
    async close() {
      for (const transport of opened) await transport.close()
      await clock.advance(0)
      t.equal(clock.pendingTimers, 0, 'no timer remains')
    },
  }
}

t.test('nothing arrives before the clock fires', async (t) => {
  const { clock, network: net } = network()
  const [a, b] = [net.open('a'), net.open('b')]
  const received = await listen(b)
  a.datagram.send(g, Buffer.from('x'))
  t.same(received, [])
  await clock.advance(0)
  t.same(received, ['x'])
})

t.test('loss, duplication and reordering occur at about their ratio, and identically for the same seed', async (t) => {
  const run = async (seed: number): Promise<string[]> => {
    const { clock, network: net } = network({
      random: seededRandom(seed),
      faults: { lossRatio: 0.3, duplicateRatio: 0.2, minDelayMs: 1, maxDelayMs: 50 },
    })
    const [a, b] = [net.open('a'), net.open('b')]
    const received = await listen(b)
    for (let index = 0; index < 1_000; index++) a.datagram.send(g, Buffer.from(String(index)))
    await clock.advance(50)
    t.equal(clock.pendingTimers, 0)
    return received
  }
  const received = await run(42)
  const different = new Set(received)
  t.ok(different.size > 600 && different.size < 800, `${different.size} of 1000 arrived`)
  t.ok(received.length - different.size > 70 && received.length - different.size < 220, 'some arrived twice')
  t.not(
    received.map(Number).every((value, index, all) => index === 0 || value >= (all[index - 1] ?? 0)),
    'reordered',
  )
  t.same(await run(42), received)
  t.notSame(await run(43), received)
})

t.test('the faults of one link do not depend on the traffic of another', async (t) => {
  const run = async (noise: boolean): Promise<string[]> => {
    const { clock, network: net } = network({ faults: { lossRatio: 0.5 } })
    const [a, b, c] = [net.open('a'), net.open('b'), net.open('c')]
    const received = await listen(b)
    a.datagram.send(g, Buffer.from('first: the links exist'))
    for (let index = 0; index < 100; index++) {
      a.datagram.send(g, Buffer.from(String(index)))
      if (noise) c.datagram.send(g, Buffer.from('noise'))
    }
    await clock.advance(0)
    return received.filter((entry) => entry !== 'noise')
  }
  t.same(await run(true), await run(false))
})

t.test(
  'faults can change at run time, apply in one direction, and never affect frames from a name to itself',
  async (t) => {
    const { clock, network: net } = network()
    const [a, b] = [net.open('a'), net.open('b')]
    const [atA, atB] = [await listen(a), await listen(b)]
    const both = async (content: string): Promise<void> => {
      a.datagram.send(g, Buffer.from(`a${content}`))
      b.datagram.send(g, Buffer.from(`b${content}`))
      await clock.advance(0)
    }
    await both('1')
    net.setLinkFaults('a', 'b', { lossRatio: 1 })
    await both('2')
    net.setFaults({ lossRatio: 1 })
    net.setLinkFaults('a', 'b', {})
    await both('3')
    net.setLinkFaults('a', 'b', undefined)
    await both('4')
    t.same(atA, ['a1', 'b1', 'a2', 'b2', 'a3', 'a4'])
    t.same(atB, ['a1', 'b1', 'b2', 'a3', 'b3', 'b4'])
  },
)

t.test('a partition cuts both lanes until it heals, and drops frames in flight', async (t) => {
  const { clock, network: net } = network({ faults: { minDelayMs: 10 } })
  const [a, b, c] = [net.open('a'), net.open('b'), net.open('c')]
  const [atB, atC] = [await listen(b), await listen(c)]
  let live = 0
  b.stream.subscribe((await a.stream.publishEndpoints())[0] ?? '', 'g', () => live++)
  b.stream.serve(() => Buffer.from('!'))
  const endpoint = b.stream.requestEndpoints[0] ?? ''

  a.datagram.send(g, Buffer.from('under way'))
  a.stream.publish('g', Buffer.from('under way'))
  const underWay = a.stream.request(endpoint, Buffer.from('?'), { timeoutMs: 100 })
  const lost = t.rejects(underWay, { code: 'NUMACAST_TIMEOUT' })
  net.partition(['a'], ['b'])
  await clock.advance(10)
  t.same(atB, [])
  t.same(atC, ['under way'], 'a name of no side receives from both')
  const whileCut = t.rejects(a.stream.request(endpoint, Buffer.from('?'), { timeoutMs: 100 }), {
    code: 'NUMACAST_TIMEOUT',
  })
  await clock.advance(100)
  await Promise.all([lost, whileCut])

  net.heal()
  a.datagram.send(g, Buffer.from('healed'))
  a.stream.publish('g', Buffer.from('healed'))
  const reply = a.stream.request(endpoint, Buffer.from('?'), { timeoutMs: 100 })
  await clock.advance(20)
  t.same(atB, ['healed'])
  t.equal(live, 1)
  t.equal((await reply).toString(), '!')
})

t.test('a disconnected name receives only from itself', async (t) => {
  const { clock, network: net } = network()
  const [a, b] = [net.open('a'), net.open('b')]
  const [atA, atB] = [await listen(a), await listen(b)]
  net.disconnect('a')
  a.datagram.send(g, Buffer.from('1'))
  await clock.advance(0)
  net.reconnect('a')
  a.datagram.send(g, Buffer.from('2'))
  await clock.advance(0)
  t.same(atA, ['1', '2'])
  t.same(atB, ['2'])
})

t.test('streams keep their order under random delay, and drop frames in flight when they break', async (t) => {
  const { clock, network: net } = network({ faults: { minDelayMs: 0, maxDelayMs: 100, lossRatio: 0.5 } })
  const [a, b] = [net.open('a'), net.open('b')]
  const received: number[] = []
  b.stream.subscribe((await a.stream.publishEndpoints())[0] ?? '', 'g', (body) => received.push(Number(body)))
  for (let index = 0; index < 100; index++) a.stream.publish('g', Buffer.from(String(index)))
  await clock.advance(100)
  t.same(
    received,
    Array.from({ length: 100 }, (_, index) => index),
  )
  net.setFaults({ minDelayMs: 10 })
  a.stream.publish('g', Buffer.from('100'))
  net.breakStreams('a', 'b')
  a.stream.publish('g', Buffer.from('101'))
  await clock.advance(10)
  t.same(received.slice(100), [101])
})

t.test('a reopened name is a new participant with new endpoints', async (t) => {
  const { clock, network: net } = network()
  const a = net.open('a')
  t.throws(() => net.open('a'), { code: 'NUMACAST_INVALID_ARGUMENT' })
  await a.close()
  const again = net.open('a')
  t.not(again.stream.requestEndpoints[0], a.stream.requestEndpoints[0])
  const asked = t.rejects(
    again.stream.request(a.stream.requestEndpoints[0] ?? '', Buffer.from('?'), { timeoutMs: 5 }),
    { code: 'NUMACAST_TIMEOUT' },
  )
  await clock.advance(5)
  await asked
})

t.test('changing the bytes after sending does not change the frame', async (t) => {
  const { clock, network: net } = network()
  const received = await listen(net.open('b'))
  const body = Buffer.from('before')
  net.open('a').datagram.send(g, body)
  body.write('after!')
  await clock.advance(0)
  t.same(received, ['before'])
})

t.test('faults outside their range are refused', async (t) => {
  const { network: net } = network()
  for (const faults of [
    { lossRatio: -0.1 },
    { lossRatio: Number.NaN },
    { duplicateRatio: 1.1 },
    { minDelayMs: -1 },
    { minDelayMs: 5, maxDelayMs: 4 },
    { maxDelayMs: Number.POSITIVE_INFINITY },
  ]) {
    t.throws(() => net.setFaults(faults), { code: 'NUMACAST_INVALID_ARGUMENT' })
  }
})

t.test('range `off`: no datagram is sent or received, streams work', async (t) => {
  const { clock, network: net } = network()
  const here = net.open('here')
  const off = net.open('off', 'off')
  t.same([here.range, off.range], ['subnet', 'off'])
  const received = { here: await listen(here), off: await listen(off) }
  here.datagram.send(g, Buffer.from('1'))
  off.datagram.send(g, Buffer.from('2'))
  await clock.advance(10)
  t.same(received, { here: ['1'], off: [] })
  off.stream.serve((request) => request)
  const reply = here.stream.request(off.stream.requestEndpoints, Buffer.from('?'), { timeoutMs: 100 })
  await clock.advance(10)
  t.same(await reply, Buffer.from('?'))
})

t.test("a host's rendezvous answers while a participant holds it", async (t) => {
  const { clock, network: net } = network()
  const asker = net.open('asker').stream
  const first = net.open('host').stream
  first.serve(() => Buffer.from('first'))
  const endpoint = asker.requestEndpointAt('host', first.rendezvousPort)
  const ask = async (): Promise<string> => {
    const reply = asker.request(endpoint, Buffer.from('?'), { timeoutMs: 100 }).then(String, ({ code }) => code)
    await clock.advance(200)
    return reply
  }
  t.equal(await ask(), 'NUMACAST_TIMEOUT')
  const rendezvous = first.contendRendezvous()
  t.ok(rendezvous.isHeld)
  t.equal(await ask(), 'first')
  await rendezvous.close()
  t.notOk(rendezvous.isHeld)
  t.equal(await ask(), 'NUMACAST_TIMEOUT')
})
