import fc from 'fast-check'
import t from 'tap'
import type { EntityGuid, Guid } from '../../../src/core/ids.js'
import { compareTokens, mergeTokens, tokenOf, ViewToken } from '../../../src/views/token/view-token.js'
import { maxClosedWriters, maxEndedOwners, ViewVector } from '../../../src/views/token/view-vector.js'

const guidOf = (digit: number): Guid => digit.toString(16).repeat(32).slice(0, 32) as Guid
const writerOf = (owner: number, entity: number): EntityGuid => `${guidOf(owner)}.${entity.toString(16)}` as EntityGuid

/** Few owners, writers and numbers, so that tokens are often comparable. */
const tokens = fc
  .dictionary(
    fc.constantFrom('1', '2', '3'),
    fc.oneof(
      { weight: 1, arbitrary: fc.constant('!') },
      {
        weight: 4,
        arbitrary: fc
          .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 17 }), fc.constantFrom(1, 2, 3, '!')), {
            minLength: 1,
            maxLength: 2,
            selector: ([entity]) => entity,
          })
          .map((writers) => {
            const sorted = writers.sort(([a], [b]) => a - b).map(([entity, seq]) => `${entity.toString(16)}.${seq}`)
            return `:${sorted.join(',')}`
          }),
      },
    ),
  )
  .map((owners) =>
    [
      'v1',
      ...Object.keys(owners)
        .sort()
        .map((key) => guidOf(Number(key)) + owners[key]),
    ].join(';'),
  )

const opposite = { before: 'after', after: 'before', equal: 'equal', concurrent: 'concurrent' } as const
const isAtMost = (one: string, other: string): boolean => ['before', 'equal'].includes(compareTokens(one, other))

t.test('tokens are partially ordered, and equal exactly when their texts are', async () => {
  fc.assert(
    fc.property(tokens, tokens, tokens, (a, b, c) => {
      const order = compareTokens(a, b)
      return (
        compareTokens(a, a) === 'equal' &&
        compareTokens(b, a) === opposite[order] &&
        (order === 'equal') === (a === b) &&
        (!isAtMost(a, b) || !isAtMost(b, c) || isAtMost(a, c))
      )
    }),
    { numRuns: 1_000 },
  )
})

t.test('merging tokens gives the least token that includes all of them', async () => {
  fc.assert(
    fc.property(tokens, tokens, tokens, (a, b, c) => {
      const merged = mergeTokens(a, b)
      return (
        isAtMost(a, merged) &&
        isAtMost(b, merged) &&
        (!isAtMost(a, c) || !isAtMost(b, c) || isAtMost(merged, c)) &&
        merged === mergeTokens(b, a) &&
        mergeTokens(merged, c) === mergeTokens(a, mergeTokens(b, c)) &&
        mergeTokens(a, a) === a
      )
    }),
    { numRuns: 1_000 },
  )
})

t.test('the text of a token is read back as the same token', async () => {
  fc.assert(fc.property(tokens, (text) => ViewToken.parse(text).toString() === text))
})

t.test('a token of changes includes them and what came before them', async (t) => {
  const text = tokenOf({ writer: writerOf(2, 17), seq: 5 }, { writer: writerOf(1, 3), seq: 9 })
  t.equal(text, `v1;${guidOf(1)}:3.9;${guidOf(2)}:11.5`)
  const token = ViewToken.parse(text)
  t.ok(token.includes(writerOf(2, 17), 5) && token.includes(writerOf(2, 17), 4))
  t.notOk(token.includes(writerOf(2, 17), 6) || token.includes(writerOf(3, 1), 1))
  t.equal(tokenOf(), 'v1', 'no change demands nothing')
  t.equal(tokenOf({ writer: writerOf(1, 3), seq: 2 }, { writer: writerOf(1, 3), seq: 4 }), `v1;${guidOf(1)}:3.4`)
})

t.test('a participant that has ended compares after each of its numbers', async (t) => {
  const numbered = tokenOf({ writer: writerOf(1, 2), seq: 1_000_000 })
  t.equal(compareTokens(numbered, `v1;${guidOf(1)}!`), 'before')
  t.ok(ViewToken.parse(`v1;${guidOf(1)}!`).includes(writerOf(1, 9), 1))
})

t.test('malformed tokens are refused, and the message names the place', async (t) => {
  const guid = guidOf(1)
  const cases: readonly [string, unknown, RegExp][] = [
    ['nothing', '', /does not begin with 'v1'/],
    ['another version', `v2;${guid}!`, /does not begin with 'v1'/],
    ['no text', 7, /not number/],
    ['a short GUID', 'v1;12:1.1', /does not begin with a GUID/],
    ['an upper-case GUID', `v1;${'A'.repeat(32)}!`, /does not begin with a GUID/],
    ['no writers', `v1;${guid}:`, /is no <writer, hex>/],
    ['nothing after the GUID', `v1;${guid}`, /neither ':' nor '!'/],
    ['more after the mark', `v1;${guid}!1`, /neither/],
    ['number zero', `v1;${guid}:1.0`, /is no <writer, hex>/],
    ['a leading zero', `v1;${guid}:01.1`, /'01.1' is no/],
    ['a number beyond 2⁵³', `v1;${guid}:1.9999999999999999`, /is no <writer, hex>/],
    ['a negative number', `v1;${guid}:1.-1`, /is no/],
    ['writers out of order', `v1;${guid}:2.1,1.1`, /'1.1' is out of order/],
    ['one writer twice', `v1;${guid}:2.1,2.1`, /out of order/],
    ['one participant twice', `v1;${guid}!;${guid}!`, /out of order/],
    ['participants out of order', `v1;${guidOf(2)}!;${guid}!`, /out of order/],
    ['a trailing separator', `v1;${guid}!;`, /does not begin with a GUID/],
    ['too many participants', `v1${';'.repeat(20_001)}`, /names more than 20000/],
    ['too long', `v1;${'x'.repeat(8 * 1024 * 1024)}`, /is longer than/],
  ]
  for (const [name, text, message] of cases) {
    t.throws(() => ViewToken.parse(text as string), { code: 'NUMACAST_INVALID_ARGUMENT', message }, name)
  }
})

t.test('any text is either refused with the documented error or read back as it is', async () => {
  const texts = fc.oneof(
    fc.string(),
    tokens.chain((text) =>
      fc
        .tuple(fc.nat(text.length), fc.string({ maxLength: 2 }))
        .map(([at, put]) => text.slice(0, at) + put + text.slice(at + 1)),
    ),
  )
  fc.assert(
    fc.property(texts, (text) => {
      try {
        return ViewToken.parse(text).toString() === text
      } catch (error) {
        return (error as { code?: unknown }).code === 'NUMACAST_INVALID_ARGUMENT'
      }
    }),
    { numRuns: 1_000 },
  )
})

t.test('the position of a copy only rises, and its text is that of a token', async () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ owner: fc.integer({ min: 1, max: 3 }), entity: fc.integer({ min: 1, max: 3 }), seq: fc.nat(5) }),
      fc.record({ ended: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ closed: fc.integer({ min: 1, max: 3 }), of: fc.integer({ min: 1, max: 3 }) }),
    ),
    { maxLength: 30 },
  )
  fc.assert(
    fc.property(steps, tokens, (applied, other) => {
      const vector = new ViewVector()
      let before = vector.toString()
      for (const step of applied) {
        if ('ended' in step) vector.end(guidOf(step.ended))
        else if ('closed' in step) vector.close(writerOf(step.of, step.closed))
        else vector.raise(writerOf(step.owner, step.entity), step.seq)
        const after = vector.toString()
        if (!isAtMost(before, after)) return false
        before = after
      }
      const token = ViewToken.parse(before)
      const more = vector.textWith([{ writer: writerOf(2, 2), seq: 4 }])
      if (!isAtMost(before, more) || !isAtMost(more, mergeTokens(before, tokenOf({ writer: writerOf(2, 2), seq: 4 }))))
        return false
      return token.toString() === before && vector.isWithin(ViewToken.parse(other)) === isAtMost(before, other)
    }),
    { numRuns: 500 },
  )
})

t.test('a vector remembers a bounded number of ended participants, the latest', async (t) => {
  const vector = new ViewVector()
  const guids = Array.from({ length: maxEndedOwners + 10 }, (_, n) => n.toString(16).padStart(32, '0') as Guid)
  for (const guid of guids) {
    vector.raise(`${guid}.1` as EntityGuid, 1)
    vector.end(guid)
  }
  const { owners } = ViewToken.parse(vector.toString())
  t.equal(owners.size, maxEndedOwners)
  t.notOk(owners.has(guids[0] as Guid))
  t.ok(owners.has(guids.at(-1) as Guid))
})

t.test('a closed writer compares after its numbers; of one participant the latest 64 are remembered', async (t) => {
  const vector = new ViewVector()
  vector.raise(writerOf(1, 5), 3)
  vector.close(writerOf(1, 5))
  t.equal(vector.toString(), `v1;${guidOf(1)}:5.!`)
  t.equal(vector.get(writerOf(1, 5)), 3, 'what the copy really has')
  vector.close(writerOf(1, 6))
  vector.close(writerOf(2, 1))
  t.equal(vector.toString(), `v1;${guidOf(1)}:5.!`, 'of which it has nothing')
  for (let entity = 10; entity < 10 + maxClosedWriters; entity++) {
    vector.raise(writerOf(1, entity), 1)
    vector.close(writerOf(1, entity))
  }
  const included = ViewToken.parse(vector.toString()).owners.get(guidOf(1))
  t.equal(included === 'ended' ? 0 : included?.size, maxClosedWriters)
  t.notOk(ViewToken.parse(vector.toString()).includes(writerOf(1, 5), 1))
})

t.test('a participant that was taken for ended and is there again counts by its numbers', async (t) => {
  const vector = new ViewVector()
  vector.raise(writerOf(1, 1), 4)
  vector.end(guidOf(1))
  t.equal(vector.toString(), `v1;${guidOf(1)}!`)
  t.ok(vector.hasEnded(guidOf(1)))
  vector.revive(guidOf(1))
  t.equal(vector.toString(), `v1;${guidOf(1)}:1.4`)
  vector.raise(writerOf(1, 1), 5)
  t.equal(vector.toString(), `v1;${guidOf(1)}:1.5`)
})
