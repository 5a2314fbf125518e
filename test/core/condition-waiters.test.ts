import t from 'tap'
import { ConditionWaiters } from '../../src/core/condition-waiters.js'

t.test('a wait resolves when a check finds its condition true', async (t) => {
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

t.test('a check resolves the waits in the order of arrival and passes over an attempt that fails', async (t) => {
  const waiters = new ConditionWaiters<string>()
  const order: string[] = []
  const free = new Set<string>()
  const take = (name: string): string | undefined => (free.delete(name) ? name : undefined)
  for (const name of ['a', 'b', 'c'])
    waiters.wait(() => take(name), undefined).then((taken) => order.push(taken), t.fail)
  t.equal(waiters.size, 3)
  free.add('c').add('a')
  waiters.check()
  t.equal(waiters.size, 1)
  await new Promise((resolve) => setImmediate(resolve))
  t.strictSame(order, ['a', 'c'], 'each with what its attempt took')
})

t.test('what an attempt took is discarded when the signal aborts in the same turn', async (t) => {
  const waiters = new ConditionWaiters<string>()
  const abort = new AbortController()
  const discarded: string[] = []
  let free: string | undefined
  const waiting = waiters.wait(
    () => free,
    abort.signal,
    (taken) => discarded.push(taken),
  )
  free = 'a slot'
  abort.abort(new Error('enough'))
  waiters.check()
  await t.rejects(waiting, { message: 'enough' })
  t.strictSame(discarded, ['a slot'])
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
    waiters.wait(() => true, abort.signal),
    reason,
  )
  t.equal(waiters.size, 0)
})

t.test('every wait is rejected with the error of a rejection', async (t) => {
  const waiters = new ConditionWaiters()
  const error = new Error('closed')
  const [one, two] = [waiters.wait(() => false, undefined), waiters.wait(() => false, undefined)]
  waiters.reject(error)
  await t.rejects(one, error)
  await t.rejects(two, error)
  t.equal(waiters.size, 0)
})
