import fc from 'fast-check'
import t from 'tap'
import {
  checkGroupName,
  decodeRadio,
  encodeRadio,
  encodeRadioHeader,
  isGroupName,
  RadioFault,
} from '../../src/wire/radio.js'

const groupName = fc
  .array(fc.integer({ min: 0x21, max: 0x7e }), { minLength: 1, maxLength: 15 })
  .map((codes) => String.fromCharCode(...codes))
const someBytes = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))

t.test('the layout equals what libzmq writes', async (t) => {
  t.same(encodeRadio('abc', Buffer.from([9, 8])), Buffer.from([3, 0x61, 0x62, 0x63, 9, 8]))
  t.same(encodeRadioHeader('abc'), Buffer.from([3, 0x61, 0x62, 0x63]))
})

t.test('every frame decodes to what was encoded', async () => {
  fc.assert(
    fc.property(groupName, someBytes, (group, body) => {
      const frame = decodeRadio(encodeRadio(group, body))
      return typeof frame !== 'string' && frame.group === group && frame.body.equals(body)
    }),
  )
})

t.test('any bytes are a frame that encodes back to them, or a named fault', async () => {
  fc.assert(
    fc.property(someBytes, (bytes) => {
      const frame = decodeRadio(bytes)
      if (typeof frame === 'string') return Object.values(RadioFault).includes(frame)
      return Buffer.concat([Buffer.from([frame.group.length]), Buffer.from(frame.group, 'latin1'), frame.body]).equals(
        bytes,
      )
    }),
    { numRuns: 2_000 },
  )
})

t.test('each fault is reported by name', async (t) => {
  t.equal(decodeRadio(Buffer.alloc(0)), RadioFault.empty)
  t.equal(decodeRadio(Buffer.from([0, 1, 2])), RadioFault.noGroup)
  t.equal(decodeRadio(Buffer.alloc(300, 16)), RadioFault.groupTooLong)
  t.equal(decodeRadio(Buffer.alloc(300, 255)), RadioFault.groupTooLong)
  t.equal(decodeRadio(Buffer.from([3, 0x61, 0x62])), RadioFault.truncated)
  t.same(decodeRadio(Buffer.from([1, 0x61])), { group: 'a', body: Buffer.alloc(0) })
})

t.test('group names are 1 … 15 printable ASCII characters', async (t) => {
  for (const name of ['a', 'fifteen-letters', '!~']) t.ok(isGroupName(name), name)
  for (const name of ['', 'sixteen-letters!', 'a b', 'a\0', 'ä', 'a\n']) {
    t.notOk(isGroupName(name), JSON.stringify(name))
    t.throws(() => checkGroupName(name), { code: 'NUMACAST_INVALID_ARGUMENT' })
  }
})
