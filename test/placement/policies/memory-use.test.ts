import t from 'tap'
import { estimateUse, type MemoryUse } from '../../../src/placement/policies/memory-use.js'

/** Feeds readings of percent used and jobs in flight, one a second, and returns the last estimate in percent. */
function estimate(...readings: readonly (readonly [usedPercent: number, inFlight: number])[]): Record<string, number> {
  let use: MemoryUse | undefined
  for (const [index, [usedPercent, inFlight]] of readings.entries()) {
    use = estimateUse({ usedShare: usedPercent / 100, inFlight, observedMs: index * 1_000 }, use)
  }
  const percent = (share = 0): number => Math.round(share * 1_000) / 10
  return { base: percent(use?.baseShare), job: percent(use?.jobShare), committed: percent(use?.committedShare) }
}

t.test('what is used beyond the base is divided among the jobs in flight', (t) => {
  t.strictSame(estimate([40, 0]), { base: 40, job: 0, committed: 40 })
  t.match(estimate([40, 0], [60, 4]), { job: 5, committed: 60 })
  t.end()
})

t.test('jobs that have just begun are committed to what earlier ones came to use', (t) => {
  const grown = [
    [40, 0],
    [60, 4],
  ] as const
  t.match(estimate(...grown, [61, 8]), { committed: 79.8 })
  t.match(estimate(...grown, [50, 2]), { committed: 50 }, 'two jobs have ended')
  t.end()
})

t.test('without a job the use is the base, however high', (t) => {
  t.strictSame(estimate([40, 0], [60, 4], [70, 0]), { base: 70, job: 5, committed: 70 })
  t.strictSame(estimate([70, 0], [30, 2]), { base: 30, job: 0, committed: 30 }, 'and a lower use is, too')
  t.end()
})

t.test('a smaller use of jobs is believed over minutes, a larger one at once', (t) => {
  const start = [
    [40, 0],
    [60, 4],
  ] as const
  const small = Array.from({ length: 600 }, () => [42, 4] as const)
  const { job = 0 } = estimate(...start, ...small.slice(0, 10))
  t.ok(job > 4.5, `${job} % after 10 s`)
  const { job: later = 0 } = estimate(...start, ...small)
  t.ok(later < 0.6, `${later} % after ten minutes`)
  t.match(estimate(...start, ...small, [60, 4]), { committed: 60 })
  t.end()
})

t.test('jobs that end for good leave nothing committed, and their size is forgotten over minutes', (t) => {
  const idle = Array.from({ length: 600 }, () => [40, 0] as const)
  t.match(estimate([40, 0], [60, 4], ...idle), { base: 40, job: 0, committed: 40 })
  t.end()
})
