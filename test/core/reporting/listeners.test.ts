import t from 'tap'
import { Counters } from '../../../src/core/reporting/counters.js'
import { ErrorReporter } from '../../../src/core/reporting/error-reporter.js'
import { Listeners } from '../../../src/core/reporting/listeners.js'
import { silentLogger } from '../../../src/core/reporting/logger.js'

t.test('listeners are called in order until they are closed, even if some throw', (t) => {
  const thrown: unknown[] = []
  const logger = { ...silentLogger, error: (fields: object) => thrown.push((fields as { err: unknown }).err) }
  const counters = new Counters(new ErrorReporter({ logger }))
  const listeners = new Listeners<number>(counters, 'test.listener-threw')
  const received: string[] = []
  const error = new Error('x')
  listeners.add((event) => received.push(`a${event}`))
  listeners.add(() => {
    throw error
  })
  const call = (event: number): void => void received.push(`b${event}`)
  const [once, twice] = [listeners.add(call), listeners.add(call)]
  listeners.emit(1)
  once.close()
  once.close()
  listeners.emit(2)
  t.same(received, ['a1', 'b1', 'b1', 'a2', 'b2'], 'the same callback twice is two listeners')
  t.equal(counters.get('test.listener-threw'), 2)
  t.same(thrown, [error, error])
  t.equal(listeners.size, 3)
  twice.close()
  listeners.clear()
  listeners.emit(3)
  t.equal(received.length, 5)
  t.end()
})

t.test('a listener closed by an earlier listener of the same call is not called', (t) => {
  const listeners = new Listeners<void>(new Counters(), 'test.listener-threw')
  let called = 0
  listeners.add(() => second.close())
  const second = listeners.add(() => called++)
  listeners.emit()
  t.equal(called, 0)
  t.end()
})
