import t from 'tap'
import type { EntityId } from '../../src/core/ids.js'
import { newGuid } from '../../src/core/ids.js'
import { type Beacon, decodeBeacon, digestCapacity, encodeBeacon, encodeSolicit } from '../../src/wire/beacon.js'
import { ByteReader, maxU48 } from '../../src/wire/encoding/bytes.js'
import { readHeader } from '../../src/wire/header.js'

const guid = newGuid()
const beacon: Beacon = {
  presence: true,
  incarnation: 1_700_000_000_000,
  sequence: 0xffffffff,
  descriptorVersion: 3,
  goodbye: true,
  streamPort: 65_535,
  intervalMs: 500,
  loopDelayMs: 12,
  progress: 0xfffffffe,
  audience: 1_000,
  digest: [
    { writer: 1 as EntityId, lastSeq: 0 },
    { writer: 0xffffffff as EntityId, lastSeq: maxU48 },
  ],
}

function decode(frame: Buffer): Beacon {
  const input = new ByteReader(frame)
  t.equal(readHeader(input).from, guid)
  return decodeBeacon(input)
}

t.test('a beacon decodes to what was encoded', (t) => {
  t.same(decode(encodeBeacon(guid, beacon)), beacon)
  t.same(decode(encodeBeacon(guid, { ...beacon, presence: false, digest: [], goodbye: false })), {
    ...beacon,
    presence: false,
    digest: [],
    goodbye: false,
  })
  const late = decode(encodeBeacon(guid, { ...beacon, loopDelayMs: 1e9, intervalMs: 499.6, audience: 1e6 }))
  t.match(late, { loopDelayMs: 65_535, intervalMs: 500, audience: 65_535 }, 'saturated and rounded')
  t.end()
})

t.test('a beacon lists as many writers as fit', (t) => {
  const count = digestCapacity(1_344)
  const digest = Array.from({ length: count }, (_, index) => ({ writer: (index + 1) as EntityId, lastSeq: index }))
  const frame = encodeBeacon(guid, { ...beacon, digest })
  t.ok(frame.length <= 1_344 && frame.length > 1_334)
  t.same(decode(frame).digest, digest)
  t.end()
})

t.test('malformed beacons are refused', (t) => {
  const frame = encodeBeacon(guid, beacon)
  for (let length = 21; length < frame.length; length++)
    t.throws(() => decode(frame.subarray(0, length)), { code: 'NUMACAST_MALFORMED' })
  t.throws(() => decode(Buffer.concat([frame, Buffer.alloc(1)])), {
    code: 'NUMACAST_MALFORMED',
    details: { reason: 'bad-shape' },
  })
  const lying = Buffer.from(frame)
  lying.writeUInt16BE(0xffff, 48)
  t.throws(() => decode(lying), { code: 'NUMACAST_MALFORMED', details: { reason: 'bad-shape' } })
  t.throws(() => decode(encodeBeacon(guid, { ...beacon, descriptorVersion: 0 })), {
    code: 'NUMACAST_MALFORMED',
    details: { reason: 'bad-number' },
  })
  t.throws(() => decode(encodeBeacon(guid, { ...beacon, intervalMs: 0 })), {
    code: 'NUMACAST_MALFORMED',
    details: { reason: 'bad-number' },
  })
  t.end()
})

t.test('a solicit consists of a header only', (t) => {
  t.equal(encodeSolicit(guid).toString('hex'), `4e43010003${guid}`)
  t.end()
})
