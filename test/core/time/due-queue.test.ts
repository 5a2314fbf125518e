import fc from 'fast-check'
import t from 'tap'
import { DueQueue } from '../../../src/core/time/due-queue.js'

t.test('the item set first is due first, and setting it again begins a new period', (t) => {
  const queue = new DueQueue<string>(10)
  t.equal(queue.nextMs, undefined)
  t.equal(queue.shift(1000), undefined)
  queue.set('a', 0)
  queue.set('b', 1)
  queue.set('c', 2)
  queue.set('a', 3)
  queue.delete('c')
  queue.delete('unknown')
  t.same([queue.size, queue.nextMs, queue.has('a'), queue.has('c')], [2, 11, true, false])
  t.equal(queue.shift(10.9), undefined)
  t.equal(queue.shift(11), 'b')
  t.equal(queue.shift(12.9), undefined)
  t.equal(queue.shift(20), 'a')
  t.same([queue.size, queue.nextMs, queue.shift(100)], [0, undefined, undefined])
  t.end()
})

const step = fc.record({
  afterMs: fc.nat(40),
  do: fc.constantFrom('set' as const, 'set' as const, 'delete' as const, 'look' as const),
  key: fc.constantFrom('a', 'b', 'c', 'd'),
})

t.test('each item falls due exactly one period after it was last set', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.array(step, { maxLength: 200 }), (periodMs, steps) => {
      const queue = new DueQueue<string>(periodMs)
      const due = new Map<string, number>()
      let nowMs = 0
      for (const next of steps) {
        nowMs += next.afterMs
        if (next.do === 'set') {
          queue.set(next.key, nowMs)
          due.set(next.key, nowMs + periodMs)
        } else if (next.do === 'delete') {
          queue.delete(next.key)
          due.delete(next.key)
        } else {
          const expected = [...due].filter(([, dueMs]) => dueMs <= nowMs).map(([key]) => key)
          for (const key of expected) due.set(key, nowMs + periodMs)
          const found: string[] = []
          for (let key = queue.shift(nowMs); key !== undefined; key = queue.shift(nowMs)) found.push(key)
          for (const key of found) queue.set(key, nowMs)
          if (JSON.stringify([...found].sort()) !== JSON.stringify(expected.sort())) throw new Error(`${found}`)
        }
        const nextMs = due.size === 0 ? undefined : Math.min(...due.values())
        if (queue.nextMs !== nextMs) throw new Error(`next is ${queue.nextMs}, not ${nextMs}`)
      }
    }),
    { seed: 1, numRuns: 300 },
  )
  t.end()
})
