import t from 'tap'
import { LastStates } from '../../bench/actors/last-states.js'
import { Ledger } from '../../bench/actors/ledger.js'

t.test('a ledger without a gap is complete', async (t) => {
  const ledger = new Ledger()
  for (const number of [0, 1, 4, 3]) ledger.enter(number)
  t.equal(ledger.complete, 2)
  ledger.enter(2)
  t.equal(ledger.complete, 5)
})

t.test('a duplicate is refused, in any order', async (t) => {
  const ledger = new Ledger()
  for (const number of [0, 1, 3]) ledger.enter(number)
  t.throws(() => ledger.enter(1), /twice/)
  t.throws(() => ledger.enter(3), /twice/)
})

t.test('states are complete once the last of each key has arrived', async (t) => {
  const states = new LastStates()
  // Three keys take turns on the numbers 0 … 7; of 3 … 7 some were conflated.
  for (const number of [0, 1, 2]) states.enter(number, 3, false)
  t.notOk(states.isComplete)
  states.enter(7, 3, true)
  t.notOk(states.isComplete, '5 and 6 are missing')
  states.enter(5, 3, false)
  states.enter(6, 3, false)
  t.ok(states.isComplete)
})

t.test('an older state is refused', async (t) => {
  const states = new LastStates()
  states.enter(4, 2, false)
  t.throws(() => states.enter(2, 2, false), /back/)
})
