import t from 'tap'
import { canFollow, isFinal, Transition } from '../../../src/plane/intents/transitions.js'

const all = Object.values(Transition)

t.test('an intent is planned, admitted, completed, and no transition follows a final one', (t) => {
  t.ok(canFollow('planned', 'admitted'))
  t.ok(canFollow('admitted', 'completed'))
  t.notOk(canFollow('planned', 'completed'), 'no step is skipped')
  t.notOk(canFollow('admitted', 'planned'), 'no step is reverted')
  t.strictSame(all.filter(isFinal).sort(), ['aborted', 'cancelled', 'completed', 'conflicted', 'superseded'])
  for (const from of all.filter(isFinal)) for (const to of all) t.notOk(canFollow(from, to), `${from} → ${to}`)
  t.end()
})
