import t from 'tap'
import { AdmissionQueue } from '../../../src/roles/worker/admission-queue.js'
import { settle } from '../../../src/testing/fake-clock.js'

t.test('first come, first served, and one at a time', async (t) => {
  const line = new AdmissionQueue()
  let slots = 0
  const entered: string[] = []
  const enter = async (name: string): Promise<void> => {
    await line.wait(() => slots > 0)
    slots--
    entered.push(name)
  }
  const all = ['a', 'b', 'c'].map(enter)
  await settle()
  t.strictSame(entered, [])
  slots = 2
  line.recheck()
  for (let turn = 0; turn < 5; turn++) await settle()
  t.strictSame(entered, ['a', 'b'], 'two slots, two let in')
  slots++
  line.recheck()
  await Promise.all(all)
  t.strictSame(entered, ['a', 'b', 'c'])
  t.equal(line.size, 0)
})

t.test('one whose door is shut does not hold up those behind', async (t) => {
  const line = new AdmissionQueue()
  const stuck = line.wait(() => false)
  await line.wait(() => true)
  t.equal(line.size, 1)
  line.refuseAll(new Error('closing'))
  await t.rejects(stuck, { message: 'closing' })
})

t.test('an aborted wait leaves the line', async (t) => {
  const line = new AdmissionQueue()
  await t.rejects(
    line.wait(() => true, { signal: AbortSignal.abort(new Error('before')) }),
    { message: 'before' },
  )
  const stop = new AbortController()
  const waiting = line.wait(() => false, { signal: stop.signal })
  stop.abort(new Error('meanwhile'))
  await t.rejects(waiting, { message: 'meanwhile' })
  t.equal(line.size, 0)
})
