import t from 'tap'
import { newGuid } from '../../src/core/ids.js'
import { ByteReader, ByteWriter } from '../../src/wire/encoding/bytes.js'
import { FrameKind, headerBytes, readHeader, writeHeader } from '../../src/wire/header.js'

const guid = newGuid()
function header(kind: FrameKind = FrameKind.beacon): Buffer {
  const out = new ByteWriter(headerBytes)
  writeHeader(out, kind, guid)
  return out.finish()
}

t.test('the header has the documented layout', (t) => {
  t.equal(header(FrameKind.samples).toString('hex'), `4e43010002${guid}`)
  for (const kind of Object.values(FrameKind)) t.same(readHeader(new ByteReader(header(kind))), { kind, from: guid })
  t.end()
})

t.test('malformed headers are refused', (t) => {
  const cases: [string, number, number][] = [
    ['bad-magic', 0, 0x4f],
    ['bad-magic', 1, 0x44],
    ['bad-version', 2, 2],
    ['sealed', 3, 1],
    ['bad-kind', 4, 0],
    ['bad-kind', 4, 5],
  ]
  for (const [reason, at, byte] of cases) {
    const frame = header()
    frame[at] = byte
    t.throws(
      () => readHeader(new ByteReader(frame)),
      { code: 'NUMACAST_MALFORMED', details: { reason } },
      `${at} = ${byte}`,
    )
  }
  for (let length = 0; length < headerBytes; length++) {
    t.throws(() => readHeader(new ByteReader(header().subarray(0, length))), {
      code: 'NUMACAST_MALFORMED',
      details: { reason: 'truncated' },
    })
  }
  t.end()
})
