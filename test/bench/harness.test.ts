import t from 'tap'
import { alternate, median, percentile, ratio } from '../../bench/harness.js'

t.test('median and percentile are measured values', async (t) => {
  t.equal(median([3, 1, 2]), 2)
  t.equal(median([4, 1, 2, 3]), 2)
  t.equal(percentile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.99), 10)
  t.equal(percentile([7], 0.5), 7)
  t.throws(() => median([]))
})

t.test('contenders take turns, and the first round does not count', async (t) => {
  const order: string[] = []
  const first = {
    name: 'a',
    unit: 'µs',
    run: () => (order.push('a') === 1 ? 1e9 : 10),
  }
  const second = {
    name: 'b',
    unit: 'µs',
    async run() {
      order.push('b')
      return [1, 2, 300]
    },
  }
  const rows = await alternate([first, second], 3)
  t.equal(order.join(''), 'abababab')
  t.same(rows, [
    { name: 'a', unit: 'µs', median: 10, runs: 3 },
    { name: 'b', unit: 'µs', median: 2, p99: 300, runs: 3 },
  ])
})

t.test('a ratio is compared with its goal', async (t) => {
  const rows = [
    { name: 'a', unit: 'µs', median: 10, runs: 1 },
    { name: 'b', unit: 'µs', median: 8, runs: 1 },
  ]
  t.same(ratio(rows, 'a', 'b', 1.25), { name: 'a / b', value: 1.25, goal: 1.25, met: true })
  t.equal(ratio(rows, 'a', 'b', 1.2).met, false)
  t.equal(ratio(rows, 'a', 'b', 1.2, 'more').met, true)
  t.throws(() => ratio(rows, 'a', 'c', 1), /measured/)
})
