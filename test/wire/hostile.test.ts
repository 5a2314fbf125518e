import fc from 'fast-check'
import t from 'tap'
import { type EntityId, newGuid } from '../../src/core/ids.js'
import { decodeAckRequest, encodeAckRequest } from '../../src/wire/ack-request.js'
import { decodeBeacon, encodeBeacon, encodeSolicit } from '../../src/wire/beacon.js'
import type { Descriptor } from '../../src/wire/descriptor.js'
import { ByteReader, Rejection } from '../../src/wire/encoding/bytes.js'
import { pack } from '../../src/wire/encoding/msgpack.js'
import { checkRecord, decodeRecord, RecordCodec } from '../../src/wire/encoding/record.js'
import { decodeGossipReply, encodeGossipReply, encodeGossipRequest } from '../../src/wire/gossip.js'
import { FrameKind, readHeader } from '../../src/wire/header.js'
import { decodeHelloReply, encodeHello, encodeHelloReply } from '../../src/wire/hello.js'
import { decodePullReply, encodePullReply, encodePullRequest } from '../../src/wire/pull.js'
import { decodeRequest } from '../../src/wire/request.js'
import { readSamples, readSamplesHead, SamplesEncoder } from '../../src/wire/samples.js'
import { mutations, splice } from './mutations.js'

/** Every frame and request, mutated in many ways, is either read or refused for a named reason. */

const property = { seed: Number(process.env.NUMACAST_SEED ?? 1), endOnFailure: true }
const reasons = new Set<string>(Object.values(Rejection))
const guid = newGuid()
const writer = 3 as EntityId
const fields = ['id', 'n', 'more']

const beacon = {
  presence: false,
  incarnation: 1_700_000_000_000,
  sequence: 7,
  descriptorVersion: 2,
  goodbye: false,
  streamPort: 4711,
  intervalMs: 500,
  loopDelayMs: 3,
  progress: 9,
  audience: 2,
  digest: [
    { writer, lastSeq: 12 },
    { writer: 4 as EntityId, lastSeq: 2 ** 40 },
  ],
}

function samplesFrame(): Buffer {
  const codec = new RecordCodec<object>(fields)
  const encoder = new SamplesEncoder(guid, 8_000)
  encoder.begin(writer, 5, 1_700_000_000_000)
  const value = codec.encode({ id: 'k', n: 1, more: { nested: [1, [2, { x: 'y' }]] } })
  const plain = { disposed: false, sourceTimeMs: undefined, origin: undefined, keyBytes: Buffer.from('k') }
  const full = { value, valueLength: value.length }
  const origin = { participant: newGuid(), writer, seq: 77 }
  encoder.add({ ...plain, ...full, seq: 6, valueSeq: 6 }, 10)
  encoder.add({ ...plain, ...full, seq: 9, valueSeq: 9, origin, sourceTimeMs: 1_700_000_000_000.5 }, 20)
  encoder.add({ ...plain, value: Buffer.alloc(0), valueLength: 0, seq: 10, valueSeq: 10, disposed: true }, 0)
  encoder.add({ ...plain, ...full, seq: 14, valueSeq: 9, origin }, 2 ** 30)
  return encoder.finish()
}

function emptySamples(): Buffer {
  const encoder = new SamplesEncoder(guid, 100)
  encoder.begin(writer, 5, 1)
  return encoder.finish()
}

const frames: Readonly<Record<string, Buffer>> = {
  beacon: encodeBeacon(guid, beacon),
  goodbye: encodeBeacon(guid, { ...beacon, goodbye: true }),
  presence: encodeBeacon(guid, { ...beacon, presence: true, digest: [] }),
  solicit: encodeSolicit(guid),
  samples: samplesFrame(),
  'a liveliness assertion': emptySamples(),
  ask: encodeAckRequest(guid, { writer, seq: 2 ** 47 }),
}

/** Decodes the frame as a participant does. */
function readFrame(bytes: Buffer): void {
  const input = new ByteReader(bytes)
  const { kind } = readHeader(input)
  if (kind === FrameKind.beacon) decodeBeacon(input)
  else if (kind === FrameKind.ask) decodeAckRequest(input)
  else if (kind === FrameKind.samples) {
    for (const { frame, valueStart, valueEnd, disposed, key } of readSamples(input, readSamplesHead(input))) {
      if (disposed) continue
      if (key.length > 1_024) throw new Error('a key beyond its limit')
      checkRecord(frame, valueStart, valueEnd, fields.length)
      decodeRecord(fields, frame.subarray(valueStart, valueEnd))
    }
  }
}

const qos = {
  reliability: 'reliable',
  durability: 'transient-local',
  deadlineMs: null,
  liveliness: 'automatic',
  leaseMs: 2500,
  ownership: 'shared',
  destinationOrder: 'by-reception',
} as const
const endpoint = { entity: writer, topic: 'state', typeHash: '0123456789abcdef', partitions: ['default'], qos }
const descriptor: Descriptor = {
  guid,
  incarnation: 1_700_000_000_000,
  version: 1,
  name: 'worker',
  identity: { host: 'h', bootId: 'b', pid: 1, startTimeTicks: null, pidNamespace: 1, networkNamespace: null },
  properties: { role: 'worker', slots: 4 },
  requestEndpoints: ['tcp://127.0.0.1:5000'],
  liveEndpoints: ['tcp://127.0.0.1:5001'],
  writers: [
    { ...endpoint, qos: { ...qos, ownershipStrength: 1, autodispose: false }, fields, lane: 'stream', large: true },
  ],
  readers: [endpoint],
}
const part = { reader: 1, writer: 2, action: 'advance' as const, base: 1, headSeq: 9, toSeq: 9, more: false }
const introduction = { from: guid, version: 1, descriptor, knownVersion: 0, hears: false, intervalMs: 2_000 }
const referral = { guid, bootId: 'b', networkNamespace: 1, endpoints: ['tcp://127.0.0.1:5000'] }

const messages: Readonly<Record<string, { readonly bytes: Buffer; readonly read: (bytes: Buffer) => unknown }>> = {
  pull: {
    bytes: encodePullRequest({
      descriptor,
      knownVersion: 0,
      hears: true,
      tokens: [{ reader: 1, writer: 2, seq: 3, base: 4 }],
    }),
    read: decodeRequest,
  },
  introduction: { bytes: encodeHello(introduction), read: decodeRequest },
  peers: { bytes: encodeGossipRequest({ from: guid, reads: ['a'], writes: ['b'], after: guid }), read: decodeRequest },
  'pull reply': {
    bytes: encodePullReply({ descriptor, progress: [{ ...part, frame: samplesFrame() }] }),
    read: decodePullReply,
  },
  'introduction reply': {
    bytes: encodeHelloReply({ from: guid, descriptor, knows: 1, hears: true }),
    read: decodeHelloReply,
  },
  'peers reply': { bytes: encodeGossipReply({ peers: [referral, referral], more: true }), read: decodeGossipReply },
}

/** Returns true if the message was refused. */
function isRefused(read: () => unknown): boolean {
  try {
    read()
    return false
  } catch (error) {
    const { code, details } = error as { code?: string; details?: { reason?: string } }
    if (code !== 'NUMACAST_MALFORMED' || !reasons.has(details?.reason ?? '')) throw error
    return true
  }
}

for (const [name, frame] of Object.entries(frames)) {
  t.test(`${name}: mutated, and spliced with every other frame, is read or refused`, (t) => {
    t.doesNotThrow(() => readFrame(frame))
    let refused = 0
    fc.assert(
      fc.property(mutations, (mutate) => {
        if (isRefused(() => readFrame(mutate(frame)))) refused++
      }),
      { ...property, numRuns: 4_000 },
    )
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(frames)), fc.nat(), fc.nat(), (other, at, from) => {
        if (isRefused(() => readFrame(splice(frame, other, at, from)))) refused++
      }),
      { ...property, numRuns: 2_000 },
    )
    t.ok(refused > 1_000, `${refused} of 6,000 refused`)
    t.end()
  })
}

for (const [name, { bytes, read }] of Object.entries(messages)) {
  t.test(`${name}: mutated, and spliced with every other message, is read or refused`, (t) => {
    t.doesNotThrow(() => read(bytes))
    let refused = 0
    fc.assert(
      fc.property(mutations, (mutate) => {
        if (isRefused(() => read(mutate(bytes)))) refused++
      }),
      { ...property, numRuns: 3_000 },
    )
    const all = Object.values(messages).map((message) => message.bytes)
    fc.assert(
      fc.property(fc.constantFrom(...all), fc.nat(), fc.nat(), (other, at, from) => {
        if (isRefused(() => read(splice(bytes, other, at, from)))) refused++
      }),
      { ...property, numRuns: 1_000 },
    )
    t.ok(refused > 1_000, `${refused} of 4,000 refused`)
    t.equal(({} as Record<string, unknown>).polluted, undefined)
    t.end()
  })
}

t.test('bodies with false structure are refused', (t) => {
  const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)])
  const map = (entries: readonly (readonly [string, unknown])[]): Buffer =>
    Buffer.concat([
      Buffer.from([0xde, entries.length >> 8, entries.length & 0xff]),
      ...entries.flatMap(([key, value]) => [pack(key), pack(value)]),
    ])
  const refused: Readonly<Record<string, Buffer>> = {
    'nested deeply': pack({ ask: 'peers', from: guid, reads: nested(15), writes: [] }),
    'nested too deeply': Buffer.concat([
      map([['ask', 'peers']]),
      pack('reads'),
      Buffer.from('91'.repeat(60), 'hex'),
      pack(1),
    ]).fill(0x02, 2, 3),
    'a key that reaches a prototype': map([
      ['ask', 'peers'],
      ['__proto__', { polluted: true }],
    ]),
    'more partitions than may be': pack({ ask: 'peers', from: guid, reads: Array(513).fill('p'), writes: [] }),
    'more tokens than may be': pack({
      ask: 'pull',
      descriptor,
      knownVersion: 0,
      tokens: Array(65_537).fill({ reader: 1, writer: 1, seq: 0, base: 0 }),
    }),
    'another question': pack({ ask: 'constructor', from: guid }),
    'an interval of 0': pack({ ask: 'introduce', ...introduction, intervalMs: 0 }),
    'an interval of 65,536': pack({ ask: 'introduce', ...introduction, intervalMs: 65_536 }),
    'a version of NaN': pack({ ask: 'introduce', ...introduction, version: Number.NaN }),
    'a GUID in capitals': pack({ ask: 'introduce', ...introduction, from: 'A'.repeat(32) }),
  }
  for (const [name, bytes] of Object.entries(refused))
    t.ok(
      isRefused(() => decodeRequest(bytes)),
      name,
    )
  const replies: Readonly<Record<string, unknown>> = {
    '65 peers': { peers: Array(65).fill(referral), more: false },
    '17 endpoints': { peers: [{ ...referral, endpoints: Array(17).fill('tcp://127.0.0.1:1') }], more: false },
    'an endless endpoint': { peers: [{ ...referral, endpoints: ['x'.repeat(257)] }], more: false },
  }
  for (const [name, reply] of Object.entries(replies))
    t.ok(
      isRefused(() => decodeGossipReply(pack(reply))),
      name,
    )
  // If a key occurs twice, the last entry is used, and it is checked like any other.
  const twice = map([
    ['ask', 'peers'],
    ['from', 'unknown'],
    ['reads', []],
    ['writes', []],
    ['from', guid],
  ])
  t.match(decodeRequest(twice), { from: guid })
  t.end()
})

t.test('false counts allocate no memory', (t) => {
  const lying = Buffer.from(samplesFrame())
  lying.writeUInt16BE(0xffff, 39)
  t.ok(isRefused(() => readFrame(lying)))
  const digest = Buffer.from(encodeBeacon(guid, beacon))
  digest.writeUInt16BE(0xffff, 48)
  t.ok(isRefused(() => readFrame(digest)))
  t.end()
})
