import t from 'tap'
import { Mailbox } from '../../src/core/mailbox.js'

t.test('items are delivered in order, with and without waiting', async (t) => {
  const mailbox = new Mailbox<number>()
  mailbox.push(1)
  t.same(await mailbox.next(), { done: false, value: 1 })
  const both = Promise.all([mailbox.next(), mailbox.next()])
  mailbox.push(2)
  mailbox.push(3)
  t.same(await both, [
    { done: false, value: 2 },
    { done: false, value: 3 },
  ])
  t.equal(mailbox.take(), undefined)
  mailbox.push(4)
  t.equal(mailbox.take(), 4)
})

t.test('a full mailbox drops by its policy', async (t) => {
  for (const { drop, kept, accepted } of [
    { drop: 'oldest' as const, kept: [2, 3], accepted: [true, true, true] },
    { drop: 'newest' as const, kept: [1, 2], accepted: [true, true, false] },
  ]) {
    const mailbox = new Mailbox<number>({ capacity: 2, drop })
    t.same(
      [1, 2, 3].map((item) => mailbox.push(item)),
      accepted,
    )
    mailbox.close()
    const taken: number[] = []
    for await (const item of mailbox) taken.push(item)
    t.same(taken, kept, drop)
    t.equal(mailbox.dropped, 1)
    t.equal(mailbox.push(9), false)
  }
  for (const capacity of [0, -1, 1.5, Number.NaN])
    t.throws(() => new Mailbox({ capacity }), { code: 'NUMACAST_INVALID_ARGUMENT' })
})

t.test('conflation keeps the place of the first and the value of the last', async (t) => {
  const mailbox = new Mailbox<[string, number]>({ capacity: 2, conflateBy: ([key]) => key })
  mailbox.push(['a', 1])
  mailbox.push(['b', 1])
  mailbox.push(['a', 2])
  t.same([mailbox.size, mailbox.conflated, mailbox.dropped], [2, 1, 0])
  t.same([mailbox.take(), mailbox.take(), mailbox.take()], [['a', 2], ['b', 1], undefined])
})

t.test('a waiting consumer gets the last value of each key in a tick', async (t) => {
  const mailbox = new Mailbox<[string, number]>({ conflateBy: ([key]) => key })
  const first = mailbox.next()
  const second = mailbox.next()
  mailbox.push(['a', 1])
  mailbox.push(['b', 1])
  mailbox.push(['a', 2])
  const third = mailbox.next()
  t.same((await first).value, ['a', 2])
  t.same((await second).value, ['b', 1])
  mailbox.push(['c', 1])
  mailbox.close()
  t.same(await third, { done: false, value: ['c', 1] }, 'close keeps queued items')
  t.same(await mailbox.next(), { done: true, value: undefined })
})

t.test('leaving a for-await loop closes the mailbox', async (t) => {
  const mailbox = new Mailbox<number>()
  mailbox.push(1)
  for await (const item of mailbox) {
    t.equal(item, 1)
    break
  }
  t.ok(mailbox.closed)
})
