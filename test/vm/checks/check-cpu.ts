import type { Test } from 'tap'
import type { Machine } from '../machine.js'
import type { CpuMeasurement } from '../protocol.js'
import { near } from './tolerance.js'

/**
 * Tolerance as a share of the measured CPUs. A measurement lasts about 20 quota periods and may start and end inside
 * one (±10 %). A late timer tick of an emulated CPU lets a busy loop overrun, for which the kernel compensates later. A
 * reading from the wrong level would be off by half or more.
 */
const tolerance = 0.2

export function checkCpu(t: Test, { layout }: Machine, measured: readonly CpuMeasurement[]): void {
  t.ok(measured.length >= 4, 'all cases were measured')
  for (const { title, reading, achievedCpus, expectedQuotaCpus } of measured) {
    const { quotaCpus, effectiveCpus } = reading.cpu
    t.equal(reading.layout, layout, `${title}: layout`)
    t.equal(reading.ancestorsVisible, true, `${title}: ancestors are visible`)
    t.same(reading.warnings, [], `${title}: no warning`)
    if (expectedQuotaCpus === null) t.equal(quotaCpus.state, 'unlimited', `${title}: no quota`)
    else t.match(quotaCpus, { state: 'limited', value: expectedQuotaCpus }, `${title}: quota`)
    near(t, `${title}: CPUs`, effectiveCpus, achievedCpus, tolerance * achievedCpus)
  }
}
