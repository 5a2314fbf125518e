import fc from 'fast-check'
import t from 'tap'
import { pack, unpack } from '../../../src/wire/encoding/msgpack.js'

t.test('values decode to what was encoded', (t) => {
  const values: unknown[] = [
    null,
    undefined,
    true,
    false,
    0,
    -1,
    127,
    128,
    -33,
    2 ** 31,
    -(2 ** 31),
    2 ** 53 - 1,
    -(2 ** 53 - 1),
    0.1,
    '',
    'ключ',
    'x'.repeat(70_000),
    [],
    [1, [2]],
    {},
    { a: { b: [] } },
    { constructor: 1, toString: 2 },
    Array.from({ length: 70_000 }, (_, n) => n % 7),
    new Date(1_700_000_000_123),
    2n ** 60n,
  ]
  for (const value of values) t.same(unpack(pack(value)), value)
  t.ok(Buffer.from([1, 2]).equals(unpack(pack(Buffer.from([1, 2]))) as Buffer))
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
      const back = unpack(pack(value))
      return JSON.stringify(back) === JSON.stringify(value)
    }),
    { seed: 1, numRuns: 500 },
  )
  t.end()
})

t.test('malformed bytes are refused', (t) => {
  const nested = (token: string, depth: number): string => `${token.repeat(depth)}c0`
  const cases: [string, string][] = [
    ['truncated', ''],
    ['trailing-bytes', 'c0c0'],
    ['truncated', 'cd01'],
    ['truncated', 'a3ffff'],
    ['truncated', 'c6ffffffff'],
    ['truncated', 'db7fffffff61'],
    ['too-many', 'ddffffffff'],
    ['too-many', 'dfffffffffc0'],
    ['too-many', 'dc00ff'],
    ['too-many', '9f'],
    ['too-deep', nested('91', 17)],
    ['too-deep', nested('81a161', 17)],
    ['too-deep', nested('91', 100_000)],
    ['prototype-key', '81a95f5f70726f746f5f5fc0'],
    ['prototype-key', '81d9095f5f70726f746f5f5fc0'],
    ['bad-value', '8101c0'],
    ['bad-value', '8190c0'],
    ['bad-value', 'c1'],
    ['bad-value', 'd47200'],
    ['bad-value', 'd40001'],
    ['bad-value', 'c70300ffffff'],
    ['bad-value', 'd6000000000000'],
    ['truncated', 'd7ff00'],
  ]
  for (const [reason, hex] of cases) {
    t.throws(
      () => unpack(Buffer.from(hex, 'hex')),
      { code: 'NUMACAST_MALFORMED', details: { reason } },
      `${hex.slice(0, 40)}`,
    )
  }
  t.equal(unpack(Buffer.from(nested('91', 16), 'hex')) === undefined, false, 'sixteen levels are accepted')
  t.equal(({} as Record<string, unknown>).polluted, undefined)
  t.end()
})

t.test('any bytes are either decoded or refused', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        unpack(Buffer.from(bytes))
      } catch (error) {
        if ((error as { code?: string }).code !== 'NUMACAST_MALFORMED') throw error
      }
    }),
    { seed: 1, numRuns: 20_000 },
  )
  t.end()
})
