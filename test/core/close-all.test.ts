import t from 'tap'
import { closeAll, closeEach, closeTogether } from '../../src/core/close-all.js'

t.test('every step runs although earlier ones throw or reject, and the first error is thrown', async (t) => {
  const ran: string[] = []
  const steps = [
    () => ran.push('a'),
    () => {
      throw new Error('first')
    },
    async () => {
      ran.push('b')
      throw new Error('second')
    },
    async () => ran.push('c'),
  ]
  await t.rejects(closeAll(steps), { message: 'first' })
  t.same(ran, ['a', 'b', 'c'])
})

t.test('steps that return no promise run before the call returns', async (t) => {
  const ran: number[] = []
  const closing = closeAll([() => ran.push(1), () => ran.push(2)])
  t.same(ran, [1, 2])
  await closing
})

t.test('steps that run together are all awaited although one throws and one rejects', async (t) => {
  const ran: string[] = []
  const steps = [
    () => {
      throw new Error('first')
    },
    () => Promise.reject(new Error('second')),
    async () => {
      await new Promise(setImmediate)
      ran.push('late')
    },
  ]
  await t.rejects(closeTogether(steps), { message: 'first' })
  t.same(ran, ['late'])
})

t.test('closeEach runs every step before it throws the first error', async (t) => {
  const ran: number[] = []
  const fail = (n: number) => () => {
    ran.push(n)
    throw new Error(`step ${n}`)
  }
  t.throws(() => closeEach([fail(1), () => ran.push(2), fail(3)]), { message: 'step 1' })
  t.same(ran, [1, 2, 3])
  closeEach(new Set([() => ran.push(4)]))
  t.same(ran, [1, 2, 3, 4])
})
