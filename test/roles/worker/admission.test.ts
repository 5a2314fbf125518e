import t from 'tap'
import {
  type AdmissionCode,
  type AdmissionFacts,
  conditionOf,
  decideAdmission,
} from '../../../src/roles/worker/admission.js'

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

t.test('each cause that closes admission has a code, a reason and a condition', (t) => {
  const cases: readonly [Partial<AdmissionFacts>, AdmissionCode | null, string | null, string][] = [
    [{}, null, null, 'available'],
    [{ inFlight: 1 }, 'at-limit', 'at its limit of 1 jobs at once', 'busy'],
    [{ inFlight: 1, concurrency: 2 }, null, null, 'available'],
    [{ pauseReason: 'memory' }, 'paused', 'paused: memory', 'busy'],
    [{ maintenanceReason: 'disk' }, 'maintenance', 'maintenance: disk', 'busy'],
    [{ drainReason: 'update', pauseReason: 'memory', inFlight: 1 }, 'draining', 'draining: update', 'draining'],
    [{ unhealthyReason: 'no gpu', drainReason: 'update' }, 'unhealthy', 'unhealthy: no gpu', 'unhealthy'],
    [{ replacedReason: 'pid 7', unhealthyReason: 'no gpu' }, 'replaced', 'replaced: pid 7', 'unhealthy'],
    [{ closing: true, unhealthyReason: 'no gpu' }, 'closing', 'the worker is closing', 'draining'],
  ]
  for (const [facts, code, reason, condition] of cases) {
    t.strictSame(decideAdmission({ ...free, ...facts }), { open: reason === null, code, reason })
    t.equal(conditionOf({ ...free, ...facts }), condition, JSON.stringify(facts))
  }
  t.end()
})
