import t from 'tap'
import { ConditionWaiters } from '../../src/core/condition-waiters.js'

t.test('a wait resolves when a look finds its condition true', async (t) => {
  const waiters = new ConditionWaiters()
  let value = 0
  const at2 = waiters.wait(() => value >= 2, undefined)
  await waiters.wait(() => value === 0, undefined)
  t.equal(waiters.size, 1, 'a condition that holds already is not queued')
  waiters.check()
  t.equal(waiters.size, 1)
  value = 2
  waiters.check()
  await at2
  t.equal(waiters.size, 0)
})

t.test('a look at the first resolves one wait per call, in the order of arrival', async (t) => {
  const waiters = new ConditionWaiters()
  const order: string[] = []
  const closed = new Set(['b'])
  for (const name of ['a', 'b', 'c']) {
    waiters.queue(() => !closed.has(name), undefined).then(() => order.push(name), t.fail)
  }
  t.equal(waiters.size, 3, 'queued, although the condition holds')
  for (const left of [2, 1]) {
    t.ok(waiters.checkFirst())
    t.equal(waiters.size, left)
  }
  t.notOk(waiters.checkFirst())
  await Promise.resolve()
  await new Promise((resolve) => setImmediate(resolve))
  t.strictSame(order, ['a', 'c'], 'a wait whose condition does not hold is passed over')
})

t.test('a wait that is aborted leaves the queue and rejects with the reason', async (t) => {
  const waiters = new ConditionWaiters()
  const abort = new AbortController()
  const reason = new Error('enough')
  const waiting = waiters.wait(() => false, abort.signal)
  abort.abort(reason)
  await t.rejects(waiting, reason)
  t.equal(waiters.size, 0)
  await t.rejects(
    waiters.queue(() => true, abort.signal),
    reason,
  )
  t.equal(waiters.size, 0)
})

t.test('only the waits of one owner are abandoned when it is named', async (t) => {
  const waiters = new ConditionWaiters()
  const [one, two] = [{}, {}]
  const error = new Error('closed')
  const [ofOne, ofTwo] = [waiters.wait(() => false, undefined, one), waiters.wait(() => false, undefined, two)]
  waiters.reject(error, one)
  await t.rejects(ofOne, error)
  t.equal(waiters.size, 1)
  waiters.reject(error)
  await t.rejects(ofTwo, error)
})
