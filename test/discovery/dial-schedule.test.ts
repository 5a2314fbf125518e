import t from 'tap'
import { seededRandom } from '../../src/core/random.js'
import { DialSchedule } from '../../src/discovery/dial-schedule.js'

const keys = (contacts: readonly { key: string }[]): string[] => contacts.map(({ key }) => key).sort()

t.test('listed endpoints are dialled forever, less and less often while they fail', (t) => {
  const list = new DialSchedule(() => 0.5)
  list.list(['a', 'b'])
  t.same(keys(list.take(0)), ['a', 'b'])
  t.same(list.take(0), [], 'one at a time')
  const [a, b] = ['a', 'b'].map((key) => ({ key, endpoints: [key], isListed: true }))
  if (a === undefined || b === undefined) throw new Error('unreachable')
  t.ok(list.answered(a, 0))
  t.same(keys(list.reachedTargets()), ['a'])
  const delays: number[] = []
  for (let nowMs = 0, round = 0; round < 9; round++) {
    list.failed(b, nowMs)
    const failedMs = nowMs
    while (!list.take(nowMs).some(({ key }) => key === 'b')) nowMs += 100
    delays.push(nowMs - failedMs)
  }
  t.same(delays, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  list.list(['c'])
  list.failed(b, 0)
  list.answered(a, 0)
  t.same(keys(list.take(1e9)), ['c'], 'the others are no longer listed')
  t.same(list.reachedTargets(), [])
  t.end()
})

t.test('an endpoint that answers is asked again after ten seconds, or at once after a change', (t) => {
  const list = new DialSchedule(() => 0.5)
  list.list(['a'])
  const [a] = list.take(0)
  if (a === undefined) throw new Error('unreachable')
  t.ok(list.answered(a, 0))
  t.notOk(list.hasDue(9_999))
  t.ok(list.hasDue(10_000))
  list.take(10_000)
  t.notOk(list.answered(a, 10_000), 'no news')
  list.makeListedDue()
  t.ok(list.hasDue(10_001))
  t.end()
})

t.test('referred endpoints are tried a few times, a few at once, and at most a fixed number', (t) => {
  const list = new DialSchedule(seededRandom(1))
  const known = Array.from({ length: 1_030 }, (_, n) => list.addReferral(`g${n}`, ['x']))
  t.equal(known.filter(Boolean).length, 1_024)
  t.ok(list.addReferral('g0', ['y']), 'a known peer may have moved')
  t.equal(list.size, 1_024)
  let attempts = 0
  for (let nowMs = 0; list.size > 0; nowMs += 100) {
    const taken = list.take(nowMs)
    t.ok(taken.length <= 8 || t.fail('too many at once'))
    attempts += taken.length
    for (const [at, contact] of taken.entries()) {
      if (at === 0) list.answered(contact, nowMs)
      else list.failed(contact, nowMs)
    }
  }
  t.ok(attempts <= 4 * 1_024, `${attempts} attempts`)
  t.ok(list.addReferral('again', ['x']), 'there is room again')
  t.end()
})
