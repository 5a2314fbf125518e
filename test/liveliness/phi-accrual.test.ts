import fc from 'fast-check'
import t from 'tap'
import { IntervalWindow } from '../../src/liveliness/interval-window.js'
import { defaultPhiOptions, PhiAccrual, phiOf, resolvePhiOptions } from '../../src/liveliness/phi-accrual.js'

t.test('phi is the improbability of a silence of that length', (t) => {
  // −log10 of the tail of the standard normal distribution at y: tables of Q(y).
  const table: [number, number][] = [
    [0, 0.5],
    [0.5, 0.30854],
    [1, 0.15866],
    [1.5, 0.06681],
    [2, 0.02275],
    [2.5, 0.00621],
  ]
  for (const [y, tail] of table) {
    t.ok(Math.abs(10 ** -phiOf(1000 + 100 * y, 1000, 100) - tail) < 0.00015, `at ${y} deviations`)
    t.ok(Math.abs(10 ** -phiOf(1000 - 100 * y, 1000, 100) - (1 - tail)) < 0.00015, `at ${-y} deviations`)
  }
  t.equal(phiOf(-1e9, 1000, 100), 0)
  t.equal(phiOf(1e9, 1000, 100), Number.POSITIVE_INFINITY, 'the probability underflows to 0')
  t.end()
})

t.test('phi never falls while the silence lasts', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 1, max: 10_000, noNaN: true }), { maxLength: 50 }),
      fc.double({ min: 0, max: 60_000, noNaN: true }),
      fc.double({ min: 0, max: 60_000, noNaN: true }),
      fc.integer({ min: 1, max: 9 }),
      (intervals, a, b, timeoutMultiplier) => {
        const phi = new PhiAccrual(defaultPhiOptions, 500)
        for (const interval of intervals) phi.addInterval(interval)
        const [sooner, later] = a < b ? [a, b] : [b, a]
        return (
          phi.phi(sooner, timeoutMultiplier) <= phi.phi(later, timeoutMultiplier) &&
          phi.phi(later, timeoutMultiplier + 1) <= phi.phi(later, timeoutMultiplier) + 1e-9
        )
      },
    ),
  )
  t.end()
})

t.test('phi uses the initial estimate until intervals are learned', (t) => {
  const phi = new PhiAccrual(defaultPhiOptions, 1000)
  t.equal(phi.meanMs, 1000)
  t.equal(phi.stdDeviationMs, 250)
  t.notOk(phi.isLost(4000 + 5 * 250))
  t.ok(phi.isLost(4000 + 5.3 * 250))
  for (let n = 0; n < 2000; n++) phi.addInterval(500)
  t.equal(phi.meanMs, 500)
  t.equal(phi.stdDeviationMs, 100, 'however regular')
  t.ok(phi.isLost(3500 + 530))
  for (let n = 0; n < 1000; n++) phi.addInterval(n % 2 === 0 ? 4000 : 1000)
  t.equal(phi.meanMs, 2500)
  t.equal(phi.stdDeviationMs, 1500, 'the deviation is learned')
  t.notOk(phi.isLost(5500 + 5 * 1500))
  t.end()
})

t.test('the window equals a plain sum over its intervals', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 100 }),
      (capacity, intervals) => {
        const window = new IntervalWindow(capacity)
        for (const interval of intervals) window.add(interval)
        const kept = intervals.slice(-capacity)
        const mean = kept.reduce((sum, interval) => sum + interval, 0) / kept.length
        const variance = kept.reduce((sum, interval) => sum + (interval - mean) ** 2, 0) / kept.length
        return (
          window.size === kept.length &&
          Math.abs(window.mean - mean) < 1e-6 * (1 + mean) &&
          Math.abs(window.stdDeviation ** 2 - variance) < 1e-6 * (1 + mean ** 2)
        )
      },
    ),
  )
  t.end()
})

t.test('invalid options are refused', (t) => {
  t.same(resolvePhiOptions({ threshold: 12 }), { ...defaultPhiOptions, threshold: 12 })
  for (const bad of [
    { threshold: 0 },
    { threshold: Number.NaN },
    { maxSamples: 1 },
    { maxSamples: 2.5 },
    { minStdDeviationMs: 0 },
    { acceptablePauseMs: -1 },
  ]) {
    t.throws(() => resolvePhiOptions(bad), { code: 'NUMACAST_INVALID_ARGUMENT', message: /phi\./ }, JSON.stringify(bad))
  }
  t.end()
})
