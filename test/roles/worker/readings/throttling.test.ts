import t from 'tap'
import { Throttling } from '../../../../src/roles/worker/readings/throttling.js'

t.test('it is the share of periods in which the quota stopped the process', (t) => {
  const throttling = new Throttling()
  const read = (cpuPeriods: number, cpuThrottledPeriods: number, quotaCpus = 0.5): number | null =>
    throttling.read({ quotaCpus, cpuPeriods, cpuThrottledPeriods })
  t.equal(read(1_000, 900), 0, 'what was before counts for nothing')
  t.equal(read(1_010, 905), 50)
  t.equal(read(1_010, 905), 0, 'no period has passed: nothing ran')
  t.equal(read(1_020, 905), 0)
  t.equal(read(1_030, 915), 100)
  t.equal(read(10, 5), 0, 'another cgroup')
  t.equal(read(20, 10), 50)
  t.equal(read(30, 20, Number.POSITIVE_INFINITY), null, 'no quota')
  t.equal(read(40, 30), 0, 'a quota again')
  t.equal(read(50, Number.NaN), null)
  t.equal(read(60, 40), 0)
  t.equal(read(70, 40, Number.NaN), null)
  t.end()
})
