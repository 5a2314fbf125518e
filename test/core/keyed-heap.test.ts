import t from 'tap'
import { KeyedHeap } from '../../src/core/keyed-heap.js'
import { seededRandom } from '../../src/core/random.js'

t.test('items leave in the order of their due times, whatever the order of insertion', async (t) => {
  const random = seededRandom(3)
  const heap = new KeyedHeap<number>()
  const due = new Map<number, number>()
  for (let item = 0; item < 1_000; item++) {
    const dueMs = Math.floor(random() * 500)
    due.set(item, dueMs)
    heap.advance(item, dueMs)
  }
  for (let item = 0; item < 1_000; item += 3) {
    heap.delete(item)
    due.delete(item)
  }
  const order: number[] = []
  for (let nowMs = 0; nowMs < 500; nowMs++) {
    for (let item = heap.shift(nowMs); item !== undefined; item = heap.shift(nowMs)) {
      t.equal(due.get(item), nowMs)
      order.push(item)
    }
  }
  t.equal(order.length, due.size)
  t.equal(heap.size, 0)
})

t.test('an item set again is due once, at the earlier time', async (t) => {
  const heap = new KeyedHeap<string>()
  heap.advance('a', 10)
  heap.advance('a', 5)
  heap.advance('a', 20)
  t.equal(heap.shift(4), undefined)
  t.equal(heap.shift(5), 'a')
  t.equal(heap.shift(100), undefined)
  heap.advance('a', 30)
  t.ok(heap.has('a'))
  t.equal(heap.shift(30), 'a')
})
