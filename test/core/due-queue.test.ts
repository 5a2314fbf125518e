import t from 'tap'
import { DueQueue } from '../../src/core/due-queue.js'

t.test('what was set first is due first; setting again begins a new period', (t) => {
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
