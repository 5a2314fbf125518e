import t from 'tap'
import { exitCodeOf } from '../../../src/cli/options/exit-code.js'
import { describeFailure } from '../../../src/cli/options/failure.js'
import { NumacastError } from '../../../src/core/errors.js'

t.test('an error is printed as one line', async (t) => {
  const error = new NumacastError('NUMACAST_NOT_FOUND', 'no worker w\u001b[2J\nx', { cause: new Error('deeper') })
  t.equal(describeFailure(error, {}), 'numacast: no worker w\\x1b[2J\\x0ax\n')
  t.equal(describeFailure(new TypeError('odd'), {}), 'numacast: odd (NUMACAST_DEBUG=1 shows where)\n')
  t.equal(describeFailure(new RangeError(''), {}), 'numacast: RangeError (NUMACAST_DEBUG=1 shows where)\n')
  t.equal(describeFailure('text', {}), 'numacast: text (NUMACAST_DEBUG=1 shows where)\n')
})

t.test('NUMACAST_DEBUG=1 prints the stack and the cause', async (t) => {
  const cause = new Error('deeper')
  const text = describeFailure(new Error('outer', { cause }), { NUMACAST_DEBUG: '1' })
  t.match(text, /outer\n +at .*failure\.test/)
  t.match(text, /caused by Error: deeper\n +at /)
})

t.test('the exit code follows the error code', async (t) => {
  t.equal(exitCodeOf(new NumacastError('NUMACAST_INVALID_ARGUMENT', '')), 2)
  t.equal(exitCodeOf(new NumacastError('NUMACAST_NOT_FOUND', '')), 3)
  t.equal(exitCodeOf(new NumacastError('NUMACAST_TIMEOUT', '')), 1)
  t.equal(exitCodeOf(new Error('x')), 1)
  t.equal(exitCodeOf(undefined), 1)
})
