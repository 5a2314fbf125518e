import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { dataGroup } from '../../src/discovery/partition-groups.js'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import { joinDomain } from '../../src/pubsub/participant.js'
import { until } from '../../src/testing/eventually.js'
import { claimDomain } from '../support/domain-lock.js'
import { requirement } from '../support/requirement.js'

/** Checks docs/wire.md: `listen.py` and `join.py` follow that page only, without this library. */

interface Everything {
  readonly id: string
  readonly integer: number
  readonly fraction: number
  readonly truth: boolean
  readonly nothing: null
  readonly absent?: string
  readonly list: readonly unknown[]
  readonly map: Readonly<Record<string, unknown>>
  readonly when: Date
  readonly extended: readonly unknown[]
}
const fields = ['id', 'integer', 'fraction', 'truth', 'nothing', 'absent', 'list', 'map', 'when', 'extended'] as const

/** Values that plain MessagePack lacks, and how Python decodes them by docs/wire.md. */
const extended: readonly (readonly [given: unknown, read: unknown])[] = [
  [5n, { bigint: '5' }],
  [-(2n ** 80n), { bigint: String(-(2n ** 80n)) }],
  [2n ** 63n, 2 ** 63],
  [-0, '-0.0'],
  [Buffer.from([1, 2]), { bytes: '0102' }],
  [new Float32Array([1.5, 2.5]), { kind: 7, elements: [1.5, 2.5] }],
  [new Float64Array([0.1]), { kind: 8, elements: [0.1] }],
  [new Int16Array([-2, 300]), { kind: 3, elements: [-2, 300] }],
  [new Uint8ClampedArray([255]), { kind: 2, elements: [255] }],
  [new BigInt64Array([-7n]), { kind: 9, elements: [-7] }],
  [new Uint8Array([8, 9]).buffer, { kind: 16, bytes: '0809' }],
  [new DataView(new Uint8Array([8, 9]).buffer, 1), { kind: 17, bytes: '09' }],
  [new Date(-1), '1969-12-31T23:59:59.999000+00:00'],
]
const topic = defineTopic<Everything>({ name: 'everything', key: 'id', fields })

const pythons = ['python3', '/usr/bin/python3']
const python = pythons.find((name) => spawnSync(name, ['-c', 'import msgpack, zmq']).status === 0)
const needs = `none of ${pythons.join(', ')} can import them`

/** Compiled tests lie in dist/test/wire; the scripts are not compiled. */
function scriptPath(name: string): string {
  const path = [`./${name}`, `../../../test/wire/${name}`]
    .map((candidate) => fileURLToPath(new URL(candidate, import.meta.url)))
    .find((candidate) => existsSync(candidate))
  if (path === undefined) throw new Error(`${name} is missing`)
  return path
}

t.test('Python decodes beacons and samples by the documented format', async (t) => {
  if (!requirement(t, 'python3 with msgpack and zmq', python !== undefined, needs) || python === undefined) return
  const domain = await claimDomain(t)
  const participant = await joinDomain({ domain, name: 'interop' })
  t.teardown(() => participant.close())
  const owner = await joinDomain({ domain })
  t.teardown(() => owner.close())
  const far = 'far'
  const writer = participant.writer(topic, { partition: far })
  // Samples relayed by this participant carry their origin.
  const origin = owner.writer(topic, { partition: 'near' })
  const source = participant.reader(topic, { partition: 'near' })
  const relay = participant.relay(source, { partition: far })
  await participant.ready()

  const child = spawn(python, [scriptPath('listen.py'), String(domain), far, participant.guid, 'end'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  t.equal((await lines.next()).value, 'listening')

  const when = new Date('2026-01-02T03:04:05.678Z')
  const value = (id: string, integer: number): Everything => ({
    id,
    integer,
    fraction: 0.1,
    truth: true,
    nothing: null,
    list: [1, 'two', [3]],
    map: { key: 'väl/ue', ключ: { deep: 1 } },
    when,
    extended: extended.map(([given]) => given),
  })
  // Datagrams may be lost. Everything is written again until the other side has received the end.
  const round = (): void => {
    origin.write(value('relayed', 7))
    writer.write(value('plain', 2 ** 40))
    writer.write(value('gone', 1))
    writer.flush()
    writer.dispose('gone')
    writer.flush()
    if (relay.writer.get('relayed') !== undefined) writer.write(value('end', -1))
  }
  const rounds = setInterval(round, 100)
  t.teardown(() => clearInterval(rounds))
  const { value: line } = await lines.next()
  clearInterval(rounds)
  const received = JSON.parse(line)

  const group = dataGroup(domain, far)
  t.match(received, { group: group.name, port: group.port })
  t.match(received.beacon, {
    incarnation: participant.incarnation,
    flags: 0,
    intervalMs: 500,
    digest: [
      [writer.entity, Number],
      [relay.writer.entity, Number],
    ],
  })
  t.ok(received.beacon.streamPort > 0 && received.beacon.descriptorVersion > 0)
  const { plain, gone, relayed, end } = received.samples
  const rest = [
    0.1,
    true,
    null,
    'undefined',
    [1, 'two', [3]],
    { key: 'väl/ue', ключ: { deep: 1 } },
    '2026-01-02T03:04:05.678000+00:00',
    extended.map(([, read]) => read),
  ]
  t.match(plain, { writer: writer.entity, disposed: false, value: ['plain', 2 ** 40, ...rest] })
  t.match(end.value, ['end', -1, ...rest])
  t.match(gone, { disposed: true, value: null })
  t.ok(end.seq > plain.seq && plain.ageMs < 60_000 && Math.abs(plain.sentWallMs - Date.now()) < 600_000)
  t.match(relayed, { writer: relay.writer.entity, value: ['relayed', 7, ...rest] })
  t.match(relayed.origin, [owner.guid, origin.entity, Number])
  if (child.exitCode === null) await once(child, 'exit')
  t.equal(child.exitCode, 0)
})

t.test('Python joins: its writer is read despite gaps, and it pulls what is written here', async (t) => {
  if (!requirement(t, 'python3 with msgpack and zmq', python !== undefined, needs) || python === undefined) return
  const domain = await claimDomain(t)
  const participant = await joinDomain({ domain, name: 'interop' })
  t.teardown(() => participant.close())
  type Value = { readonly id: string; readonly n: number }
  const fromPython = defineTopic<Value>({ name: 'from-python', key: 'id', fields: ['id', 'n'] })
  const toPython = defineTopic<Value>({ name: 'to-python', key: 'id', fields: ['id', 'n'] })
  const reader = participant.reader(fromPython, { partition: 'both' })
  const writer = participant.writer(toPython, { partition: 'both' })
  const received = new Map<string, number[]>()
  reader.onSample(({ key, token }) => received.set(key, [...(received.get(key) ?? []), token.seq]))
  for (let n = 0; n < 100; n++) writer.write({ id: `k${n}`, n })
  writer.dispose('k99')
  writer.write({ id: 'end', n: -1 })

  const child = spawn(python, [scriptPath('join.py'), String(domain), 'both', '10'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const { value: guid } = await lines.next()
  await until('every instance has been received five times', () => {
    return received.size === 10 && [...received.values()].every(({ length }) => length >= 5)
  })
  for (const seqs of received.values())
    t.same(
      seqs,
      [...new Set(seqs)].sort((a, b) => a - b),
      'each change once, ascending',
    )
  t.ok(participant.counters.get('catch-up.replies') > 1, 'omitted samples were pulled')
  const [answer] = await participant.fence([guid], 10_000)
  const [number] = answer?.heads?.values() ?? []
  t.equal(answer?.failure, null, 'Python answers a fence')
  t.ok(number !== undefined && number >= 10)
  await until('the copy has reached the number', () => (reader.lag()[0]?.appliedSeq ?? 0) >= (number ?? Infinity))
  const { value: line } = await lines.next()
  const written = Array.from({ length: 99 }, (_, n) => [`k${n}`, [`k${n}`, n]])
  t.same(JSON.parse(line), Object.fromEntries([...written, ['end', ['end', -1]]]))
  t.match(participant.peer(guid), { name: 'python', properties: { language: 'python' }, receivesFromUs: true })
  await until('the Python reader is matched', () => writer.matchedReaders().length === 1)

  const left = new Promise((resolve) => participant.onPeer((event) => event.kind === 'left' && resolve(event.peer)))
  child.stdin.end()
  t.match(await left, { guid, verdict: { liveliness: 'dead', cause: 'goodbye' } })
  if (child.exitCode === null) await once(child, 'exit')
  t.equal(child.exitCode, 0)
})
