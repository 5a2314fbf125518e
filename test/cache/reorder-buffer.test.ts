import t from 'tap'
import { ReorderBuffer } from '../../src/cache/reorder-buffer.js'

t.test('frames leave in order, once all earlier frames have arrived', (t) => {
  const buffer = new ReorderBuffer<string>()
  t.equal(buffer.add(8, 10, 2, '9-10'), true)
  t.equal(buffer.add(3, 5, 2, '4-5'), true)
  t.equal(buffer.add(5, 8, 3, '6-8'), true)
  t.equal(buffer.add(5, 8, 3, 'again'), false, 'it is already held')
  t.equal(buffer.samples, 7)
  t.equal(buffer.shift(2), undefined)
  t.equal(buffer.shift(3), '4-5')
  t.equal(buffer.shift(4), undefined)
  t.equal(buffer.shift(9), '6-8', 'even after a repair has passed it')
  t.equal(buffer.shift(9), '9-10')
  t.equal(buffer.shift(99), undefined)
  t.equal(buffer.samples, 0)
  t.end()
})

t.test('the buffer takes 16,000 waiting samples at most, and is empty after it was cleared', (t) => {
  const buffer = new ReorderBuffer<number>()
  let taken = 0
  for (let frame = 0; frame < 100; frame++) {
    if (buffer.add(1000 * frame, 1000 * (frame + 1), 1000, frame)) taken++
  }
  t.equal(taken, 16)
  buffer.clear()
  t.equal(buffer.samples, 0)
  t.equal(buffer.add(0, 1, 1, 0), true)
  t.end()
})
