import fc from 'fast-check'
import t from 'tap'
import { CorrelatedFailureGuard } from '../../src/liveliness/correlated-failure-guard.js'
import { LocalHealth, maxHealthScore } from '../../src/liveliness/local-health.js'
import { SelfMonitor } from '../../src/liveliness/self-monitor.js'

t.test('an observer is in time, late, blind, and healthy again', (t) => {
  const observer = new SelfMonitor(250, 3_000, 0)
  t.same(observer.check(250), { lateMs: 0, mayJudge: true })
  t.same(observer.check(600), { lateMs: 0, mayJudge: true }, 'scheduling jitter')
  t.same(observer.check(1000), { lateMs: 150, mayJudge: true })
  t.match(observer.health, { score: 1, degraded: false, reason: null })
  t.same(observer.check(1750), { lateMs: 500, mayJudge: false }, 'frames may still wait to be read')
  t.equal(observer.timeoutMultiplier, 4)
  t.same(observer.check(12_000), { lateMs: 10_000, mayJudge: false })
  t.match(observer.health, { score: 8, degraded: true, reason: 'loop-late', sinceMs: 12_000 })
  t.equal(observer.timeoutMultiplier, 9)
  t.ok(observer.canDeclareDead, 'degraded, but not isolated')
  let checks = 0
  for (let nowMs = 12_250; observer.health.degraded; nowMs += 250, checks++) {
    t.same(observer.check(nowMs), { lateMs: 0, mayJudge: true })
  }
  t.equal(checks, 16)
  t.match(observer.health, { score: 0, degraded: false, reason: null, sinceMs: 12_000 + 16 * 250 })
  const { health } = observer
  observer.check(16_250)
  t.equal(observer.health, health, 'the same object while nothing changes')
  t.end()
})

t.test('an observer that is never in time still judges now and then', (t) => {
  const observer = new SelfMonitor(250, 3_000, 0)
  const judged = Array.from({ length: 27 }, (_, n) => observer.check(1_000 * (n + 1)).mayJudge)
  t.same(
    judged.flatMap((mayJudge, n) => (mayJudge ? [n] : [])),
    [8, 17, 26],
  )
  t.end()
})

t.test('for any gaps, the credit covers the excess of each gap, and only the rest counts as listened', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 250, max: 20_000 }), { maxLength: 30 }), (gaps) => {
      const observer = new SelfMonitor(250, 3_000, 0)
      let nowMs = 0
      let listenedMs = 0
      return gaps.every((gap) => {
        nowMs += gap
        const { lateMs } = observer.check(nowMs)
        const { score } = observer.health
        listenedMs += gap - lateMs
        if (observer.listenedMs !== listenedMs) return false
        return lateMs === (gap > 350 ? gap - 250 : 0) && score >= 0 && score <= maxHealthScore
      })
    }),
  )
  t.end()
})

t.test('the health score counts the failures of the observer', (t) => {
  const health = new LocalHealth()
  health.unanswered('a')
  health.unanswered('a')
  t.equal(health.score, 0, 'one silent peer is no evidence against the observer')
  health.unanswered('b')
  t.equal(health.score, 1, 'two in a row are')
  health.answered()
  health.unanswered('c')
  t.equal(health.score, 1, 'not if a peer answers in between')
  health.missedByPeer(0)
  health.missedByPeer(999)
  t.equal(health.score, 2)
  health.missedByPeer(1000)
  t.equal(health.score, 3)
  health.checkedInTime()
  health.missedChecks(1)
  health.checkedInTime()
  t.equal(health.score, 4, 'two in a row')
  health.checkedInTime()
  t.equal(health.score, 3)
  health.missedChecks(100)
  t.equal(health.score, 8)
  t.end()
})

t.test('mass silence is either the observer’s fault or a real loss', (t) => {
  const silence = new CorrelatedFailureGuard(3_000)
  const story: [number, number, number, string][] = [
    [0, 3, 3, 'none'], // too few peers
    [0, 10, 5, 'none'],
    [1_000, 10, 6, 'abstain'],
    [30_999, 10, 9, 'abstain'],
    [31_000, 10, 9, 'outlived'], // one peer is still received: the nine are gone
    [31_250, 9, 9, 'abstain'], // no peer is received at all
    [1e9, 9, 9, 'abstain'],
    [1e9, 9, 8, 'abstain'], // a peer is received again, and the others get time
    [1e9 + 29_999, 9, 8, 'abstain'],
    [1e9 + 30_000, 9, 8, 'outlived'],
    [1e9 + 30_000, 9, 2, 'none'],
    [1e9 + 30_000, 10, 9, 'abstain'], // again
  ]
  for (const [nowMs, watched, late, correlation] of story) {
    t.equal(silence.assess({ watched, late }, nowMs), correlation, `${late} of ${watched} at ${nowMs}`)
  }
  silence.discount(5_000, 1e9 + 40_000)
  t.equal(silence.assess({ watched: 10, late: 9 }, 1e9 + 64_999), 'abstain')
  t.equal(silence.assess({ watched: 10, late: 9 }, 1e9 + 65_000), 'outlived')
  t.end()
})

t.test('an observer that receives nothing reports itself isolated and declares no peer dead', (t) => {
  const observer = new SelfMonitor(250, 3_000, 0)
  t.notOk(observer.assessSilence({ watched: 8, late: 7 }, 500))
  t.notOk(observer.canDeclareDead)
  t.match(observer.health, { degraded: true, reason: 'most-peers-late', sinceMs: 500, score: 0 })
  observer.check(10_000)
  t.match(observer.health, { reason: 'most-peers-late', sinceMs: 500, score: 8 }, 'the more severe reason is kept')
  t.ok(observer.assessSilence({ watched: 8, late: 3 }, 10_000), 'once it receives again, silence counts from then')
  t.notOk(observer.assessSilence({ watched: 8, late: 3 }, 10_000))
  t.match(observer.health, { degraded: true, reason: 'loop-late', sinceMs: 10_000 })
  t.ok(observer.canDeclareDead)
  t.end()
})
