import fc from 'fast-check'
import t from 'tap'
import { Deadlines } from '../../src/cache/deadlines.js'

const step = fc.record({
  afterMs: fc.nat(40),
  do: fc.constantFrom('touch' as const, 'touch' as const, 'end' as const, 'look' as const),
  key: fc.constantFrom('a', 'b', 'c', 'd'),
})

t.test('each instance misses its deadline exactly when it was not touched for a period', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.array(step, { maxLength: 200 }), (periodMs, steps) => {
      const deadlines = new Deadlines(periodMs)
      const due = new Map<string, number>()
      let nowMs = 0
      for (const next of steps) {
        nowMs += next.afterMs
        if (next.do === 'touch') {
          deadlines.touch(next.key, nowMs)
          due.set(next.key, nowMs + periodMs)
        } else if (next.do === 'end') {
          deadlines.end(next.key)
          due.delete(next.key)
        } else {
          const expected = [...due].filter(([, dueMs]) => dueMs <= nowMs).map(([key]) => key)
          for (const key of expected) due.set(key, nowMs + periodMs)
          const found = deadlines.missed(nowMs)
          if (JSON.stringify([...found].sort()) !== JSON.stringify(expected.sort())) throw new Error(`${found}`)
        }
        const nextMs = Math.min(...due.values())
        if (deadlines.nextMs !== nextMs) throw new Error(`next is ${deadlines.nextMs}, not ${nextMs}`)
      }
    }),
    { seed: 1, numRuns: 300 },
  )
  t.end()
})
