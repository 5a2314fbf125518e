import t from 'tap'
import type { EntityId } from '../../src/core/ids.js'
import { newGuid } from '../../src/core/ids.js'
import { type Descriptor, descriptorSchema } from '../../src/wire/descriptor.js'
import { pack } from '../../src/wire/encoding/msgpack.js'
import {
  decodePullReply,
  decodePullRequest,
  encodePullReply,
  encodePullRequest,
  type PullReply,
} from '../../src/wire/pull.js'

const qos = {
  reliability: 'reliable',
  durability: 'transient-local',
  deadlineMs: null,
  liveliness: 'automatic',
  leaseMs: 2500.5,
  ownership: 'shared',
  destinationOrder: 'by-reception',
} as const
const endpoint = { entity: 1 as EntityId, topic: 'state', typeHash: '0123456789abcdef', partitions: ['default'], qos }
const descriptor: Descriptor = {
  guid: newGuid(),
  incarnation: 1_700_000_000_000,
  version: 1,
  name: 'worker',
  identity: { host: 'h', bootId: 'b', pid: 1, startTimeTicks: null, pidNamespace: 4026531836, networkNamespace: null },
  properties: { role: 'worker', slots: 4, ready: true, none: null },
  requestEndpoints: ['tcp://127.0.0.1:5000'],
  liveEndpoints: [],
  writers: [
    {
      ...endpoint,
      qos: { ...qos, ownershipStrength: -1, autodispose: false },
      fields: ['id', 'n'],
      lane: 'datagram',
      large: false,
    },
  ],
  readers: [endpoint],
}
const request = { descriptor, knownVersion: 0, tokens: [{ reader: 1, writer: 2, seq: 3, base: 4 }] }
const part = { reader: 1, writer: 2, action: 'advance' as const, base: 1, headSeq: 9, toSeq: 9, more: false }
const reply: PullReply = { descriptor, progress: [part, { ...part, action: 'bootstrap', frame: Buffer.from('frame') }] }

t.test('a pull request and its reply decode to what was encoded', (t) => {
  t.same(decodePullRequest(encodePullRequest(request)), request)
  t.same(decodePullReply(encodePullReply(reply)), reply)
  t.same(decodePullReply(encodePullReply({ progress: [] })), { progress: [] })
  t.end()
})

t.test('a descriptor is refused when', (t) => {
  const [writer] = descriptor.writers
  const cases: Record<string, unknown> = {
    'the guid is invalid': { guid: 'F'.repeat(32) },
    'the version is 0': { version: 0 },
    'a name is too long': { name: 'x'.repeat(257) },
    'the incarnation is not whole': { incarnation: 0.5 },
    'a property nests': { properties: { a: { b: 1 } } },
    'a property is too long': { properties: { a: 'x'.repeat(257) } },
    'an entity is 0': { readers: [{ ...endpoint, entity: 0 }] },
    'a type hash is invalid': { readers: [{ ...endpoint, typeHash: 'x' }] },
    'there is no partition': { readers: [{ ...endpoint, partitions: [] }] },
    'a field would reach a prototype': { writers: [{ ...writer, fields: ['__proto__'] }] },
    'there are too many fields': { writers: [{ ...writer, fields: Array.from({ length: 257 }, (_, n) => `f${n}`) }] },
    'there are too many writers': { writers: Array.from({ length: 4097 }, () => writer) },
    'the QoS is unknown': { readers: [{ ...endpoint, qos: { ...qos, reliability: 'perfect' } }] },
    'a QoS is missing': { readers: [{ ...endpoint, qos: { ...qos, ownership: undefined } }] },
    'a deadline is 0': { readers: [{ ...endpoint, qos: { ...qos, deadlineMs: 0 } }] },
    'a lease is beyond any timer': { readers: [{ ...endpoint, qos: { ...qos, leaseMs: 2 ** 31 } }] },
    'a strength exceeds 32 bits': { writers: [{ ...writer, qos: { ...qos, ownershipStrength: 2 ** 31 } }] },
    'the lane is unknown': { writers: [{ ...writer, lane: 'pigeon' }] },
    'the identity is missing': { identity: undefined },
  }
  for (const [name, changes] of Object.entries(cases)) {
    t.notOk(descriptorSchema.safeParse({ ...descriptor, ...(changes as object) }).success, name)
    const bytes = pack({ ask: 'pull', ...request, descriptor: { ...descriptor, ...(changes as object) } })
    t.throws(() => decodePullRequest(bytes), { code: 'NUMACAST_MALFORMED', details: { reason: 'bad-shape' } }, name)
  }
  t.end()
})

t.test('a reply is refused when', (t) => {
  const cases: Record<string, unknown> = {
    'a number is negative': { ...part, toSeq: -1 },
    'a number is over 48 bits': { ...part, headSeq: 2 ** 48 },
    'the action is unknown': { ...part, action: 'guess' },
    'the frame is text': { ...part, frame: 'frame' },
    'a field is missing': { ...part, more: undefined },
  }
  for (const [name, progress] of Object.entries(cases)) {
    t.throws(() => decodePullReply(pack({ progress: [progress] })), { code: 'NUMACAST_MALFORMED' }, name)
  }
  for (const value of [null, [], 'text', { progress: {} }])
    t.throws(() => decodePullReply(pack(value)), { code: 'NUMACAST_MALFORMED' })
  t.end()
})
