import t from 'tap'
import { Listeners } from '../../src/core/listeners.js'

t.test('in order, in spite of those that throw, until closed', (t) => {
  const thrown: unknown[] = []
  const listeners = new Listeners<number>((error) => thrown.push(error))
  const heard: string[] = []
  const error = new Error('x')
  listeners.add((event) => heard.push(`a${event}`))
  listeners.add(() => {
    throw error
  })
  const call = (event: number): void => void heard.push(`b${event}`)
  const [once, twice] = [listeners.add(call), listeners.add(call)]
  listeners.emit(1)
  once.close()
  once.close()
  listeners.emit(2)
  t.same(heard, ['a1', 'b1', 'b1', 'a2', 'b2'], 'the same callback twice is two listeners')
  t.same(thrown, [error, error])
  t.equal(listeners.size, 3)
  twice.close()
  listeners.clear()
  listeners.emit(3)
  t.equal(heard.length, 5)
  t.end()
})

t.test('one that closes another while it is called', (t) => {
  const listeners = new Listeners<void>(() => t.fail())
  let called = 0
  listeners.add(() => second.close())
  const second = listeners.add(() => called++)
  listeners.emit()
  t.equal(called, 0)
  t.end()
})
