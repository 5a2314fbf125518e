import fc from 'fast-check'
import t from 'tap'
import type { EntityGuid } from '../../../src/core/ids.js'
import { arbiterMemoryMs, compareReceivedIntents, IntentArbiter } from '../../../src/plane/intents/intent-arbiter.js'
import { intentKinds, intentTopics, maxIntentEpoch } from '../../../src/plane/intents/intents.js'
import { claim } from '../claims.js'

t.test('the highest (epoch, seq) wins, regardless of its issuer', (t) => {
  const book = new IntentArbiter()
  const first = claim('drain', { id: 'a', epoch: 5, seq: 9, writer: 'aa.1' })
  const newerEpoch = claim('drain', { id: 'b', epoch: 6, seq: 1, writer: 'bb.1' })
  const newerSeq = claim('drain', { id: 'c', epoch: 6, seq: 2, writer: 'bb.1' })
  const late = claim('drain', { id: 'd', epoch: 5, seq: 10, writer: 'aa.1' })
  t.match(book.offer(first, 0), { kind: 'won', ended: undefined })
  t.match(book.offer(newerEpoch, 0), { kind: 'won', ended: first })
  t.match(book.offer(newerSeq, 0), { kind: 'won', ended: newerEpoch })
  t.match(book.offer(late, 0), { kind: 'superseded', by: newerSeq })
  t.match(book.offer(newerSeq, 0), { kind: 'ignored' }, 'received twice')
  t.equal(book.current('drain', 'w'), newerSeq)
  t.equal(book.current('drain', 'other'), undefined)
  t.equal(book.current('pause-node', 'w'), undefined)
  t.end()
})

t.test('writing the same intent again renews it', (t) => {
  const book = new IntentArbiter()
  book.offer(claim('pause-node', { seq: 1, atMs: 0 }), 0)
  t.equal(book.nextExpiryMs(), 1_000)
  t.match(book.offer(claim('pause-node', { seq: 2, atMs: 600 }), 600), { kind: 'renewed' })
  t.strictSame(book.expire(1_500), [])
  t.equal(book.expire(1_600).length, 1)
  t.equal(book.nextExpiryMs(), undefined)
  t.end()
})

t.test('issuers of the same epoch conflict, and all readers choose the same winner', (t) => {
  const one = claim('drain', { id: 'a', epoch: 5, seq: 1, writer: 'aa.1' })
  const other = claim('drain', { id: 'b', epoch: 5, seq: 1, writer: 'bb.1' })
  const forward = new IntentArbiter()
  forward.offer(one, 0)
  t.match(forward.offer(other, 0), { kind: 'won', ended: one })
  const backward = new IntentArbiter()
  backward.offer(other, 0)
  t.match(backward.offer(one, 0), { kind: 'conflicted', by: other })
  t.equal(forward.current('drain', 'w'), backward.current('drain', 'w'))
  t.end()
})

t.test('a losing claim does not return when the winner expires, but later claims count', (t) => {
  const book = new IntentArbiter()
  book.offer(claim('drain', { id: 'long', epoch: 1, ttlMs: 100_000 }), 0)
  book.offer(claim('drain', { id: 'short', epoch: 2, writer: 'bb.1' }), 0)
  t.equal(book.expire(1_000).length, 1)
  t.match(book.offer(claim('drain', { id: 'long', epoch: 1, ttlMs: 100_000 }), 1_001), { kind: 'superseded' })
  t.equal(book.current('drain', 'w'), undefined)
  const fresh = claim('drain', { id: 'fresh', epoch: 1, seq: 2, atMs: 1_500 })
  t.match(book.offer(fresh, 1_500), { kind: 'won', ended: undefined })
  t.end()
})

t.test('the winner is remembered for as long as a claim that lost to it could live', (t) => {
  const [longMs, shortMs] = [24 * 60 * 60_000, 1_000]
  const lateMs = 2 * arbiterMemoryMs
  const long = claim('drain', { id: 'long', epoch: 1, ttlMs: longMs })
  const short = claim('drain', { id: 'short', epoch: 2, writer: 'bb.1', ttlMs: shortMs })
  for (const order of [
    [long, short],
    [short, long],
  ]) {
    const timely = new IntentArbiter()
    for (const each of order) timely.offer(each, 0)
    timely.expire(shortMs)
    timely.expire(lateMs)
    t.match(timely.offer(long, lateMs), { kind: 'superseded' })
    timely.expire(longMs + arbiterMemoryMs)
    t.equal(timely.size, 0)

    const late = new IntentArbiter()
    for (const each of order) late.offer(each, lateMs)
    t.equal(late.current('drain', 'w'), undefined)
    late.expire(lateMs)
    t.match(late.offer(long, lateMs), { kind: 'superseded' })
    late.expire(longMs + arbiterMemoryMs)
    t.equal(late.size, 0)
  }
  t.end()
})

t.test('an expired claim is not accepted, and an ended claim is forgotten later', (t) => {
  const book = new IntentArbiter()
  t.match(book.offer(claim('drain', { atMs: 0, ttlMs: 1_000 }), 1_000), { kind: 'ignored' })
  book.offer(claim('drain', { atMs: 1_000 }), 1_000)
  book.expire(2_000)
  t.equal(book.size, 1)
  book.expire(2_000 + arbiterMemoryMs)
  t.equal(book.size, 0)
  t.end()
})

t.test('only the writer of the holding claim can withdraw it', (t) => {
  const book = new IntentArbiter()
  const held = claim('drain', { writer: 'aa.1' })
  book.offer(held, 0)
  t.equal(book.withdraw('drain', 'w', 'bb.1' as EntityGuid, 10), undefined)
  t.equal(book.withdraw('drain', 'w', 'aa.1' as EntityGuid, 10), held)
  t.equal(book.withdraw('drain', 'w', 'aa.1' as EntityGuid, 10), undefined, 'once')
  t.equal(book.current('drain', 'w'), undefined)
  t.end()
})

t.test('for any order and repetition of arrival, all arbiters agree on the winner', (t) => {
  const sketches = fc.uniqueArray(
    fc.record({
      epoch: fc.integer({ min: 0, max: 3 }),
      seq: fc.integer({ min: 1, max: 4 }),
      writer: fc.constantFrom('aa.1', 'bb.1', 'cc.1'),
    }),
    { selector: ({ epoch, seq, writer }) => `${epoch} ${seq} ${writer}`, minLength: 1, maxLength: 12 },
  )
  fc.assert(
    fc.property(
      sketches.chain((all) => {
        const claims = all.map((sketch, index) => claim('drain', { ...sketch, id: `i-${index}` }))
        const shuffled = fc.shuffledSubarray([...claims, ...claims], { minLength: claims.length * 2 })
        return fc.tuple(fc.constant(claims), shuffled)
      }),
      ([claims, arrivals]) => {
        const book = new IntentArbiter()
        for (const arrival of arrivals) book.offer(arrival, 0)
        const winner = [...claims].sort(compareReceivedIntents).at(-1)
        return book.current('drain', 'w') === winner
      },
    ),
  )
  t.end()
})

t.test('at the highest epoch the later claim wins, regardless of its sequence number', (t) => {
  const arbiter = new IntentArbiter()
  const forged = claim('drain', {
    id: 'forged',
    epoch: maxIntentEpoch,
    seq: 2 ** 53 - 1,
    writer: 'ff.1',
    ttlMs: 60_000,
  })
  const lift = claim('drain', {
    id: 'lift',
    action: 'lift',
    epoch: maxIntentEpoch,
    writer: 'aa.1',
    atMs: 10,
    ttlMs: 60_000,
  })
  const again = claim('drain', { id: 'again', epoch: maxIntentEpoch, writer: 'bb.1', atMs: 20, ttlMs: 60_000 })
  t.match(arbiter.offer(forged, 0), { kind: 'won' })
  t.match(arbiter.offer(lift, 10), { kind: 'won', ended: forged })
  t.match(arbiter.offer(forged, 15), { kind: 'conflicted', by: lift }, 'a late copy')
  t.match(arbiter.offer(again, 20), { kind: 'won', ended: lift })
  t.equal(compareReceivedIntents(again, again), 0)
  t.end()
})

t.test('an epoch above the highest is refused', (t) => {
  for (const kind of intentKinds) {
    const { intent } = claim(kind, { epoch: maxIntentEpoch })
    t.notMatch(intentTopics[kind].check(intent), { refused: /./ })
    for (const epoch of [maxIntentEpoch + 1, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE, -1, 0.5]) {
      t.match(intentTopics[kind].check({ ...intent, epoch }), { refused: /epoch/ }, `${kind} ${epoch}`)
    }
  }
  t.end()
})
