import t from 'tap'
import { Earshot, type IntroductionTerms, presenceIntervalMs, type SignOfLife } from '../../src/discovery/earshot.js'

const related: IntroductionTerms = {
  isSource: false,
  isAudience: true,
  isObserved: false,
  isDescribed: true,
  isUpToDate: true,
  isAsked: false,
  quietFromMs: 0,
}

const every = (intervalMs: number, loopDelayMs = 0): SignOfLife => ({ intervalMs, loopDelayMs })

t.test('what comes most often says when the next sign of life is due', (t) => {
  const earshot = new Earshot(0, 0.75)
  t.equal(earshot.intervalMs(0), presenceIntervalMs)
  t.notOk(earshot.hears(false, 0))
  earshot.presence(every(2_000), 0)
  earshot.beacon(every(500), 100)
  t.equal(earshot.intervalMs(200), 500)
  t.equal(earshot.intervalMs(1_601), 2_000, 'the beacons have ended, the signs of presence have not')
  t.ok(earshot.hears(true, 1_350))
  t.notOk(earshot.hears(true, 1_351), 'of one that writes beacons are wanted')
  t.ok(earshot.hears(false, 5_000))
  t.notOk(earshot.hears(false, 5_001))
  earshot.introducedItself(2_000, 7_000)
  t.notOk(earshot.hears(true, 7_000), 'a request is no proof that its frames arrive')
  earshot.live(every(500), 7_000)
  t.ok(earshot.hears(true, 7_000))
  t.end()
})

t.test('a stream stands in', (t) => {
  const earshot = new Earshot(0, 0.75)
  t.notOk(earshot.needsStream(false, 0, 249), 'not before multicast had its chance')
  t.ok(earshot.needsStream(false, 0, 250))
  earshot.beacon(every(500), 300)
  t.notOk(earshot.needsStream(false, 300, 300), 'heard: no connection')
  t.ok(earshot.needsStream(true, 300, 300), 'one beacon does not make multicast work')
  earshot.beacon(every(500), 800)
  earshot.beacon(every(500), 1_300)
  t.notOk(earshot.needsStream(true, 1_300, 1_300), 'three do')
  t.notOk(earshot.needsStream(false, 1_300, 9_000), 'silent altogether: nothing to subscribe to')
  t.ok(earshot.needsStream(false, 8_900, 9_000), 'silent by multicast, and an answer has come')
  earshot.beacon(every(500), 9_000)
  t.ok(earshot.needsStream(true, 9_000, 9_000), 'the row begins anew')
  t.end()
})

t.test('an introduction is due when', (t) => {
  const cases: { name: string; terms?: Partial<IntroductionTerms>; prepare?: (e: Earshot) => void; from: number }[] = [
    { name: 'a reader that is heard has asked nothing for a while', terms: { isDescribed: false }, from: 1_250 },
    { name: 'nobody has said who hears whom', terms: { quietFromMs: 4_000 }, from: 1_250 },
    {
      name: 'nobody has said who hears whom, and they know each other',
      terms: { quietFromMs: 6_000 },
      prepare: (e) => e.acquainted(0),
      from: 5_000,
    },
    { name: 'it is silent', prepare: (e) => e.told(true, 0), from: 5_001 },
    {
      name: 'its beacons are silent',
      prepare: (e) => {
        e.told(true, 0)
        e.beacon(every(500), 0)
      },
      from: 1_251,
    },
    {
      name: 'its beacons are silent, and its signs of presence are not',
      terms: { isSource: true, quietFromMs: 6_000 },
      prepare: (e) => {
        e.told(true, 0)
        e.beacon(every(500), 0)
        e.presence(every(2_000), 0)
      },
      from: 1_251,
    },
    { name: 'it does not hear us', terms: { quietFromMs: 6_000 }, prepare: (e) => e.told(false, 0), from: 5_000 },
    {
      name: 'it does not hear us, and there is news',
      terms: { quietFromMs: 6_000, isUpToDate: false },
      prepare: (e) => e.told(false, 0),
      from: 0,
    },
    { name: 'never: it hears us', terms: { quietFromMs: 6_000 }, prepare: (e) => e.told(true, 0), from: Infinity },
    { name: 'never: it is none of our business', terms: { isAudience: false }, from: Infinity },
    {
      name: 'never: it sends beacons, so it is asked anyway',
      terms: { isDescribed: false },
      prepare: (e) => e.beacon(every(500), 0),
      from: Infinity,
    },
  ]
  for (const { name, terms, prepare, from } of cases) {
    const earshot = new Earshot(0, 0.75)
    prepare?.(earshot)
    const first = Array.from({ length: 6_001 }, (_, nowMs) => nowMs).find((nowMs) =>
      earshot.isIntroductionDue({ ...related, ...terms }, nowMs),
    )
    t.equal(first ?? Infinity, from, name)
  }
  t.end()
})

t.test('what the listener was late is nobody’s silence, and nobody’s time to have heard it either', (t) => {
  const due = (earshot: Earshot, nowMs: number): boolean =>
    earshot.isIntroductionDue({ ...related, quietFromMs: nowMs }, nowMs)
  const acquainted = new Earshot(0, 0.75)
  acquainted.acquainted(0)
  const unheard = new Earshot(0, 0.75)
  unheard.told(false, 0)
  for (const earshot of [acquainted, unheard]) {
    earshot.credit(60_000, 61_000)
    t.notOk(due(earshot, 64_999))
    t.ok(due(earshot, 65_000))
  }
  const heard = new Earshot(0, 0.75)
  heard.credit(60_000, 60_000)
  t.notOk(heard.isBeaconing, 'who was never heard is not heard for it')
  heard.beacon(every(500), 60_000)
  heard.credit(60_000, 60_500)
  t.ok(heard.hears(true, 61_750), 'no later than now')
  t.notOk(heard.hears(true, 61_751))
  t.end()
})

t.test('again every two seconds, and less and less often where nobody answers', (t) => {
  const earshot = new Earshot(0, 0.75)
  earshot.told(false, 0)
  const due = (nowMs: number): boolean => earshot.isIntroductionDue({ ...related, quietFromMs: nowMs }, nowMs)
  earshot.introducing()
  t.notOk(due(6_000), 'one at a time')
  earshot.introductionAnswered(6_000, 0)
  t.notOk(due(7_999))
  t.ok(due(8_000))
  const delays: number[] = []
  for (let nowMs = 8_000, round = 0; round < 9; round++) {
    earshot.introducing()
    earshot.introductionFailed(nowMs, 0)
    const failedMs = nowMs
    while (!due(nowMs)) nowMs += 50
    delays.push(nowMs - failedMs)
  }
  t.same(delays, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  t.ok(earshot.told(true, 500_000))
  t.notOk(earshot.told(true, 500_000))
  t.notOk(due(600_000))
  earshot.lost(600_000)
  t.equal(earshot.hearsUs, null)
  t.end()
})
