import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import t from 'tap'
import { systemClock } from '../../src/core/time/clock.js'
import { until } from '../../src/testing/eventually.js'
import { portOf } from '../../src/transport/lane/port.js'
import type { Transport } from '../../src/transport/lane/transport.js'
import { openTransport } from '../../src/transport/open.js'
import { claimDomain } from '../support/domain-lock.js'
import { requirement } from '../support/requirement.js'
import { type LaneHarness, laneConformance } from './lane-conformance.js'

t.test('conformance', async (t) => {
  const domain = await claimDomain(t)
  laneConformance(t, () => networkHarness(domain))
})

async function networkHarness(domain: number): Promise<LaneHarness> {
  const opened: Transport[] = []
  return {
    port: portOf(domain, 0),
    deadEndpoint: 'tcp://127.0.0.1:1',
    async open() {
      const transport = await openTransport({ domain, clock: systemClock })
      opened.push(transport)
      return transport
    },
    until,
    settle: (work) => work,
    async close() {
      await Promise.all(opened.map((transport) => transport.close()))
    },
  }
}

t.test('an open transport keeps the process alive, a closed one lets it exit', async (t) => {
  const child = spawn(process.execPath, [new URL('open-then-close.js', import.meta.url).pathname], {
    env: { ...process.env, DOMAIN: String(await claimDomain(t)) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const [code, signal] = await once(child, 'close')
  t.same({ code, signal, output }, { code: 0, signal: null, output: 'opened\nstill here\nclosed\n' })
})

t.test('a transport that cannot be opened rejects with the reason', async (t) => {
  const clock = systemClock
  await t.rejects(openTransport({ domain: 232, clock }), { code: 'NUMACAST_INVALID_ARGUMENT' })
  await t.rejects(openTransport({ domain: 0, clock, range: 'moon' as 'localhost' }), {
    code: 'NUMACAST_INVALID_ARGUMENT',
  })
  await t.rejects(openTransport({ domain: 0, clock, range: 'subnet' }), {
    code: 'NUMACAST_INVALID_ARGUMENT',
    message: /leaves this host/,
  })
  for (const stream of [{ maxMessageBytes: 0 }, { highWaterMark: 1.5 }, { idleMs: Number.NaN }]) {
    await t.rejects(openTransport({ domain: 0, clock, stream }), { code: 'NUMACAST_INVALID_ARGUMENT' })
  }
})

t.test('range `off`: streams work and no datagram is sent', async (t) => {
  const domain = await claimDomain(t)
  const clock = systemClock
  const here = await openTransport({ domain, clock })
  const off = await openTransport({ domain, clock, range: 'off' })
  t.teardown(() => Promise.all([here.close(), off.close()]))
  const group = { name: 'g', port: portOf(domain, 0) }
  let received = 0
  await here.datagram.join(group, () => received++)
  const membership = await off.datagram.join(group, () => t.fail('it listens'))
  off.datagram.send(group, Buffer.from('x'))
  t.equal(off.datagram.counters.get('datagram.skipped.off'), 1)
  here.datagram.send(group, Buffer.from('x'))
  await until('the other transport to receive its own frame', () => received > 0)
  t.equal(received, 1)
  off.stream.serve((request) => request)
  for (const endpoint of off.stream.requestEndpoints) {
    t.match(endpoint, /^tcp:\/\/127\.0\.0\.1:/, 'unless asked for, it stays on the host')
    t.same(await here.stream.request(endpoint, Buffer.from('?'), { timeoutMs: 60_000 }), Buffer.from('?'))
  }
  t.throws(() => off.datagram.send(group, Buffer.alloc(8_001)), { code: 'NUMACAST_LIMIT' })
  membership.close()
})

for (const failing of ['datagram', 'stream'] as const) {
  t.test(`a transport whose ${failing} lane fails to close closes the other lane and rejects`, async (t) => {
    const transport = await openTransport({ domain: await claimDomain(t), clock: systemClock })
    const lane = transport[failing]
    const other = failing === 'stream' ? transport.datagram : transport.stream
    let hasClosed = false
    const closeLane = lane.close.bind(lane)
    const closeOther = other.close.bind(other)
    other.close = async () => {
      await closeOther()
      hasClosed = true
    }
    lane.close = () => {
      void closeLane()
      throw new Error('a broken lane')
    }
    await t.rejects(transport.close(), { message: 'a broken lane' })
    t.ok(hasClosed, 'it was awaited')
  })
}

t.test('a closed transport leaves no descriptor and no thread open', async (t) => {
  if (!requirement(t, 'Linux', process.platform === 'linux', 'no /proc')) return
  const domain = await claimDomain(t)
  const reopen = async (): Promise<void> => {
    const transport = await openTransport({ domain, clock: systemClock })
    await transport.stream.publishEndpoints()
    await transport.close()
  }
  const open = () => ['fd', 'task'].map((folder) => readdirSync(`/proc/self/${folder}`).length)
  await reopen()
  const before = open()
  for (let round = 0; round < 10; round++) await reopen()
  // libzmq's thread closes sockets a moment later.
  await until('as many are open as before', () => open().every((count, index) => count <= (before[index] ?? 0)))
})
