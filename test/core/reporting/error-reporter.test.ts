import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t from 'tap'
import { mustBeSystemError } from '../../../src/core/error-code.js'
import { invalidArgument } from '../../../src/core/errors.js'
import { countFailure } from '../../../src/core/reporting/count-failure.js'
import { Counters, overflowName } from '../../../src/core/reporting/counters.js'
import { type CaughtError, diagnosticsChannels } from '../../../src/core/reporting/diagnostics.js'
import { ErrorReporter } from '../../../src/core/reporting/error-reporter.js'
import { type Logger, silentLogger } from '../../../src/core/reporting/logger.js'

/** Returns the messages published on a channel while `act` runs. */
function published(channel: string, act: () => void): CaughtError[] {
  const messages: CaughtError[] = []
  const receive = (message: unknown): void => void messages.push(message as CaughtError)
  subscribe(channel, receive)
  act()
  unsubscribe(channel, receive)
  return messages
}

/** Returns the process warnings that `act` causes. They are emitted on the next tick. */
async function warningsOf(act: () => void): Promise<Error[]> {
  const warnings: Error[] = []
  const receive = (warning: Error): void => void warnings.push(warning)
  process.on('warning', receive)
  act()
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', receive)
  return warnings
}

interface Line {
  readonly level: string
  readonly fields: Record<string, unknown>
  readonly message: string
}

function recording(): { logger: Logger; lines: Line[] } {
  const lines: Line[] = []
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields: { ...fields }, message })
  return { logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, lines }
}

const error = new TypeError('x is not a function')

t.test('each error of a callback reaches its channel with the counter, the count and the participant', async (t) => {
  const counters = new Counters(new ErrorReporter({ logger: silentLogger, participant: 'abc' }))
  const messages = published(diagnosticsChannels.callbackError, () => {
    counters.addCallbackError('reader.listener-threw', error)
    counters.addCallbackError('reader.listener-threw', error)
  })
  t.strictSame(messages, [
    { counter: 'reader.listener-threw', error, count: 1, participant: 'abc' },
    { counter: 'reader.listener-threw', error, count: 2, participant: 'abc' },
  ])
})

t.test('a failed operation reaches the error channel, the logger and no warning', async (t) => {
  const { logger, lines } = recording()
  const counters = new Counters(new ErrorReporter({ logger }))
  const warnings = await warningsOf(() => {
    t.equal(published(diagnosticsChannels.error, () => counters.addError('stream.failed.dial', error)).length, 1)
    new Counters().addError('stream.failed.dial', error)
  })
  t.strictSame(warnings, [])
  t.match(lines, [{ level: 'warn', fields: { counter: 'stream.failed.dial', err: error, count: 1 } }])
})

t.test('the logger gets the 1st, 2nd, 4th and 8th error of a counter, the channel all', async (t) => {
  const { logger, lines } = recording()
  const counters = new Counters(new ErrorReporter({ logger }))
  const messages = published(diagnosticsChannels.callbackError, () => {
    for (let i = 0; i < 10; i++) counters.addCallbackError('view.listener-threw', error)
  })
  t.equal(messages.length, 10)
  t.strictSame(
    lines.map(({ fields }) => fields.count),
    [1, 2, 4, 8],
  )
  t.match(lines[0], { level: 'error', message: /view\.listener-threw, 1 so far/ })
})

t.test('without a logger the first error of a callback becomes a process warning with its stack', async (t) => {
  const counters = new Counters()
  const warnings = await warningsOf(() => {
    for (let i = 0; i < 3; i++) counters.addCallbackError('worker.listener-threw', error)
  })
  t.equal(warnings.length, 1)
  t.match(warnings[0], { name: 'NumacastWarning', code: 'NUMACAST_CALLBACK_ERROR', message: /worker\.listener-threw/ })
  t.match((warnings[0] as Error & { detail: string }).detail, error.stack)
})

t.test('a logger that throws does not interrupt the reporting operation', async (t) => {
  const logger: Logger = {
    ...silentLogger,
    error: () => {
      throw new Error('disk full')
    },
  }
  const counters = new Counters(new ErrorReporter({ logger }))
  const warnings = await warningsOf(() => counters.addCallbackError('a.b', error))
  t.match(warnings, [{ message: /logger/ }])
  t.equal(counters.get('a.b'), 1)
})

t.test('counters keep a bounded number of names and count the rest together', async (t) => {
  const counters = new Counters()
  for (let i = 0; i < 5_000; i++) counters.add(`peer.code-${i}`)
  counters.add('peer.code-7')
  t.equal(Object.keys(counters.snapshot()).length, 1_025)
  t.equal(counters.get(overflowName), 5_000 - 1_024)
  t.equal(counters.get('peer.code-7'), 2, 'a kept name still counts')
})

t.test('a failure is counted by its code and does not prevent later work', async (t) => {
  const counters = new Counters(new ErrorReporter({ logger: silentLogger }))
  countFailure(counters, 'a.failed', () => {
    throw invalidArgument('no')
  })
  countFailure(counters, 'a.failed', () => {
    throw error
  })
  countFailure(counters, 'a.failed', () => undefined)
  t.strictSame(counters.snapshot(), { 'a.failed.NUMACAST_INVALID_ARGUMENT': 1, 'a.failed.unknown': 1 })
})

t.test('an error other than a system error is not treated as "not available"', async (t) => {
  t.throws(() => mustBeSystemError(error), error)
  t.throws(() => mustBeSystemError(null))
  mustBeSystemError(Object.assign(new Error('no'), { code: 'ENOENT', syscall: 'open' }))
})
