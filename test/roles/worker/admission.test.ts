import t from 'tap'
import { type AdmissionFacts, conditionOf, decideAdmission } from '../../../src/roles/worker/admission.js'

const free: AdmissionFacts = {
  closing: false,
  replacedReason: null,
  unhealthyReason: null,
  drainReason: null,
  maintenanceReason: null,
  pauseReason: null,
  inFlight: 0,
  concurrency: 1,
}

t.test('what keeps a worker from taking work, and what it then calls itself', (t) => {
  const cases: readonly [Partial<AdmissionFacts>, string | null, string][] = [
    [{}, null, 'available'],
    [{ inFlight: 1 }, 'at its limit of 1 jobs at once', 'busy'],
    [{ inFlight: 1, concurrency: 2 }, null, 'available'],
    [{ pauseReason: 'memory' }, 'paused: memory', 'busy'],
    [{ maintenanceReason: 'disk' }, 'maintenance: disk', 'busy'],
    [{ drainReason: 'update', pauseReason: 'memory', inFlight: 1 }, 'draining: update', 'draining'],
    [{ unhealthyReason: 'no gpu', drainReason: 'update' }, 'unhealthy: no gpu', 'unhealthy'],
    [{ closing: true, unhealthyReason: 'no gpu' }, 'the worker is closing', 'draining'],
  ]
  for (const [facts, reason, condition] of cases) {
    t.strictSame(decideAdmission({ ...free, ...facts }), { open: reason === null, reason })
    t.equal(conditionOf({ ...free, ...facts }), condition, JSON.stringify(facts))
  }
  t.end()
})
