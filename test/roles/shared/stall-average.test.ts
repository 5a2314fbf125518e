import t from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import { StallAverage } from '../../../src/roles/shared/stall-average.js'

const secondUs = 1_000_000

/** What the kernel does every two seconds, `calc_avgs` of kernel/sched/psi.c. */
function kernelAverage(before: number, stalledShare: number): number {
  const kept = Math.exp(-2 / 60)
  return before * kept + stalledShare * 100 * (1 - kept)
}

t.test('it follows what the kernel computes from the same stalls', (t) => {
  const random = seededRandom(7)
  const average = new StallAverage(40)
  let kernel = 40
  let totalUs = 5_000
  let atUs = 0
  t.equal(average.add(totalUs, atUs), 40, 'at the start it is what the kernel shows')
  let worst = 0
  for (let round = 0; round < 300; round++) {
    const share = random() < 0.5 ? 0 : random()
    kernel = kernelAverage(kernel, share)
    let shown: number | null = null
    for (let half = 0; half < 2; half++) {
      atUs += secondUs
      totalUs += share * secondUs
      shown = average.add(totalUs, atUs)
    }
    worst = Math.max(worst, Math.abs((shown ?? Number.NaN) - kernel))
  }
  t.ok(worst < 0.001, `it is never further apart than ${worst} points`)
  t.end()
})

t.test('without a start value it begins with the first interval', (t) => {
  const average = new StallAverage(null)
  t.equal(average.add(0, 0), null)
  t.equal(average.add(secondUs / 2, secondUs), 50)
  t.equal(average.add(secondUs / 2, secondUs), 50, 'no time has passed')
  t.end()
})

t.test('a counter that cannot be read is unknown, and one that decreased begins anew', (t) => {
  const average = new StallAverage(10)
  t.equal(average.add(Number.NaN, 0), null)
  t.equal(average.add(100, secondUs), 10)
  t.equal(average.add(Number.NaN, 2 * secondUs), null)
  t.equal(average.add(90 * secondUs, 3 * secondUs), 10, 'what was stalled meanwhile is unknown')
  t.equal(average.add(5, 4 * secondUs), 10, 'another cgroup')
  const next = average.add(5 + secondUs, 5 * secondUs) ?? 0
  t.ok(next > 10 && next < 12, `${next}`)
  t.ok((average.add(5 + 9 * secondUs, 6 * secondUs) ?? 0) < 14, 'never more than all of the time')
  t.end()
})
