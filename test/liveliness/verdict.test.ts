import t from 'tap'
import { aliveVerdict, sameVerdict, type Verdict } from '../../src/liveliness/verdict.js'

t.test('two verdicts are the same if liveliness, cause and detail are equal, at any times', async (t) => {
  const killed: Verdict = {
    liveliness: 'dead',
    cause: 'killed',
    detail: 'SIGKILL',
    sinceMs: 1,
    evidence: 'kernel',
    reliableFromMs: null,
  }
  t.ok(sameVerdict(killed, { ...killed, sinceMs: 2, evidence: 'lease' }))
  t.notOk(sameVerdict(killed, { ...killed, detail: 'SIGKILL by the OOM killer' }), 'a detail that arrives later')
  t.notOk(sameVerdict(killed, { ...killed, cause: 'exited' }))
  t.notOk(sameVerdict(killed, aliveVerdict(1)))
  t.notOk(sameVerdict(killed, undefined))
})
