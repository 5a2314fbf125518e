import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { seededRandom } from '../../src/core/random.js'
import { dataGroup } from '../../src/discovery/partition-groups.js'
import type { PeerEvent } from '../../src/pubsub/model/events.js'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import { joinDomain, type Participant } from '../../src/pubsub/participant.js'
import { kernelProbe, ownIdentity } from '../../src/pubsub/peer/own-process.js'
import { until } from '../../src/testing/eventually.js'
import { multicastAddressOf } from '../../src/transport/lane/port.js'
import { encodeRadio } from '../../src/wire/radio.js'
import { claimDomain } from '../support/domain-lock.js'
import { requirement } from '../support/requirement.js'

/** The same guarantees on real processes and sockets. */

const topic = defineTopic<{ id: string; n: number }>({ name: 'state', key: 'id', fields: ['id', 'n'] })
const script = fileURLToPath(new URL('./writer-process.js', import.meta.url))

/** Starts a writing child that ends with the test. */
async function startWriter(
  t: Test,
  domain: number,
  count: number,
  name: string,
): Promise<{ child: ChildProcess; guid: string }> {
  const child = spawn(process.execPath, [script, String(domain), String(count), name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  const [guid] = await once(createInterface({ input: child.stdout }), 'line')
  return { child, guid }
}

async function join(t: Test, domain: number): Promise<Participant> {
  const participant = await joinDomain({ domain, name: 'observer' })
  t.teardown(() => participant.close())
  return participant
}

t.test('a late joiner receives every last value of two processes, and follows them', async (t) => {
  const domain = await claimDomain(t)
  const count = 2000
  await Promise.all(['one', 'two'].map((name) => startWriter(t, domain, count, name)))
  const participant = await join(t, domain)
  const reader = participant.reader(topic)
  await reader.synced()
  await until('both are known', () => participant.peers().length === 2)
  await reader.synced()
  for (const name of ['one', 'two']) {
    const values = Array.from({ length: count }, (_, n) => reader.get(`${name}-${n}`)?.value?.n)
    t.same(
      values,
      Array.from({ length: count }, (_, n) => n),
    )
  }
  const before = reader.get('one-ticks')?.value?.n ?? 0
  await until('it goes on', () => (reader.get('one-ticks')?.value?.n ?? 0) > before + 5)
})

t.test('a killed writer and a writer that sends goodbye both leave with their cause', async (t) => {
  if (
    !requirement(
      t,
      'the addon',
      kernelProbe()(ownIdentity()).state === 'running',
      'the kernel cannot be queried about processes',
    )
  )
    return
  const domain = await claimDomain(t)
  const killed = await startWriter(t, domain, 10, 'killed')
  const leaving = await startWriter(t, domain, 10, 'leaving')
  const participant = await join(t, domain)
  const left = new Map<string, string>()
  participant.onPeer((event: PeerEvent) => {
    if (event.kind === 'left') left.set(event.peer.guid, `${event.peer.verdict.liveliness} ${event.peer.verdict.cause}`)
  })
  const reader = participant.reader(topic)
  await until('both are known', () => reader.size === 22)
  killed.child.kill('SIGKILL')
  leaving.child.kill('SIGTERM')
  await until('both have left', () => left.size === 2)
  t.match(left.get(killed.guid), /^dead (exited|killed)$/, 'an unreaped zombie shows its cause')
  t.equal(left.get(leaving.guid), 'dead goodbye')
  t.match(reader.get('killed-3'), { instanceState: 'no-writers', value: { n: 3 } })
  t.match(reader.get('leaving-3'), { instanceState: 'no-writers', value: { n: 3 } })
})

t.test('thousands of malformed datagrams change nothing but counters', async (t) => {
  const domain = await claimDomain(t)
  await startWriter(t, domain, 100, 'calm')
  const participant = await join(t, domain)
  const reader = participant.reader(topic)
  await until('all values have arrived', () => reader.size === 101)
  const received = new Set<string>()
  reader.onSample(({ key }) => received.add(key))
  const group = dataGroup(domain, 'default')
  const random = seededRandom(3)
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  socket.setMulticastInterface('127.0.0.1')
  for (let sent = 0; sent < 5000; sent++) {
    const body = Buffer.from(Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256)))
    // Every second datagram has a valid magic.
    if (sent % 2 === 0 && body.length > 5) body.set([0x4e, 0x43, 1, 0, 1 + (sent % 3)])
    const frame = sent % 5 === 0 ? body : encodeRadio(group.name, body)
    await new Promise((resolve) => socket.send(frame, group.port, multicastAddressOf(domain), resolve))
    // The receiver lives on this loop too, and its buffer is small.
    if (sent % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  socket.close()
  const before = reader.get('calm-ticks')?.value?.n ?? 0
  await until('values keep arriving', () => (reader.get('calm-ticks')?.value?.n ?? 0) > before + 5)
  const rejected = Object.entries(participant.counters.snapshot()).filter(([name]) =>
    name.startsWith('frame.rejected.'),
  )
  t.ok(rejected.length >= 3, JSON.stringify(rejected))
  t.ok(rejected.reduce((total, [, count]) => total + count, 0) > 100)
  t.same([...received], ['calm-ticks'])
  t.equal(reader.size, 101)
})
