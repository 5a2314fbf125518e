import t from 'tap'
import { LoopProgress } from '../../src/liveliness/loop-progress.js'

t.test('a late loop is stalled until it has been in time for an interval', (t) => {
  const loop = new LoopProgress()
  const story: [number, number, boolean][] = [
    [0, 999, false],
    [500, 1000, true],
    [1000, 600, true],
    [1100, 499, true],
    [1400, 1, true],
    [1500, 1, false],
    [2000, 999, false],
  ]
  for (const [nowMs, delayMs, isStalled] of story) {
    loop.beacon(delayMs, 0, 500, nowMs)
    t.equal(loop.isStalled, isStalled, `at ${nowMs}`)
  }
  t.ok(loop.isLate)
  t.equal(loop.delayMs, 999)
  t.end()
})

t.test('a loop that makes progress is not stalled, however late it runs', (t) => {
  const loop = new LoopProgress()
  loop.beacon(3000, 7, 500, 0)
  t.ok(loop.isStalled, 'the first count is no increase')
  t.equal(loop.completedMs, undefined)
  loop.beacon(3000, 8, 500, 500)
  t.notOk(loop.isStalled)
  t.equal(loop.completedMs, 500)
  loop.beacon(3000, 8, 500, 4500)
  t.notOk(loop.isStalled, 'the delay may have preceded that work')
  loop.beacon(3000, 8, 500, 4501)
  t.ok(loop.isStalled)
  loop.beacon(3000, 6, 500, 4600)
  t.ok(loop.isStalled, 'an older beacon')
  t.equal(loop.completed, 8)
  t.equal(loop.completedMs, 500)
  t.end()
})

t.test('the count goes on when its 32 bits wrap, and never goes back', (t) => {
  const loop = new LoopProgress()
  loop.beacon(0, 0xffffffff, 500, 0)
  loop.beacon(0, 2, 500, 500)
  t.equal(loop.completed, 2)
  t.equal(loop.completedMs, 500)
  loop.beacon(0, 0xffffffff, 500, 1000)
  t.equal(loop.completed, 2, 'the count does not go back')
  t.end()
})
