import type { Test } from 'tap'
import type { Machine } from '../machine.js'
import type { CpuMeasurement } from '../protocol.js'
import { near } from './tolerance.js'

/**
 * Share of what was achieved. The measurement is some 20 quota periods long and may begin and end within one (±10 %);
 * a late timer tick of an emulated CPU lets a busy loop overrun, which the kernel takes back later. A reading from the
 * wrong level would be off by half or more.
 */
const tolerance = 0.2

export function checkCpu(t: Test, { layout }: Machine, measured: readonly CpuMeasurement[]): void {
  t.ok(measured.length >= 4, 'all cases were measured')
  for (const { title, reading, achievedCpus, expectedQuotaCpus } of measured) {
    const { quotaCpus, effectiveCpus } = reading.cpu
    t.equal(reading.layout, layout, `${title}: layout`)
    t.equal(reading.ancestorsVisible, true, `${title}: ancestors are visible`)
    t.same(reading.warnings, [], `${title}: nothing to warn of`)
    if (expectedQuotaCpus === null) t.equal(quotaCpus.state, 'unlimited', `${title}: no quota`)
    else t.match(quotaCpus, { state: 'limited', value: expectedQuotaCpus }, `${title}: quota`)
    near(t, `${title}: CPUs`, effectiveCpus, achievedCpus, tolerance * achievedCpus)
  }
}
