import t from 'tap'
import {
  type HelloTerms,
  type LifeSign,
  PeerReachability,
  presenceIntervalMs,
} from '../../src/discovery/peer-reachability.js'

const related: HelloTerms = {
  isSource: false,
  isSink: true,
  isObserved: false,
  isDescribed: true,
  isUpToDate: true,
  isAsked: false,
  quietFromMs: 0,
}

const every = (intervalMs: number, loopDelayMs = 0): LifeSign => ({ intervalMs, loopDelayMs })

t.test('the most frequent kind of frame decides when the next one is due', (t) => {
  const reachability = new PeerReachability(0, 0.75)
  t.equal(reachability.intervalMs(0), presenceIntervalMs)
  t.notOk(reachability.isReceiving(false, 0))
  reachability.presence(every(2_000), 0)
  reachability.beacon(every(500), 100)
  t.equal(reachability.intervalMs(200), 500)
  t.equal(reachability.intervalMs(1_601), 2_000, 'beacons have ended, presence frames have not')
  t.ok(reachability.isReceiving(true, 1_350))
  t.notOk(reachability.isReceiving(true, 1_351), 'a writing peer must send beacons')
  t.ok(reachability.isReceiving(false, 5_000))
  t.notOk(reachability.isReceiving(false, 5_001))
  reachability.helloReceived(2_000, 7_000)
  t.notOk(reachability.isReceiving(true, 7_000), 'a request is no proof that its frames arrive')
  reachability.live(every(500), 7_000)
  t.ok(reachability.isReceiving(true, 7_000))
  t.end()
})

t.test('a stream replaces multicast that does not arrive', (t) => {
  const reachability = new PeerReachability(0, 0.75)
  t.notOk(reachability.needsStream(false, 0, 249), 'not before multicast had time to arrive')
  t.ok(reachability.needsStream(false, 0, 250))
  reachability.beacon(every(500), 300)
  t.notOk(reachability.needsStream(false, 300, 300), 'received by multicast: no connection')
  t.ok(reachability.needsStream(true, 300, 300), 'one beacon does not make multicast work')
  reachability.beacon(every(500), 800)
  reachability.beacon(every(500), 1_300)
  t.notOk(reachability.needsStream(true, 1_300, 1_300), 'three do')
  t.notOk(reachability.needsStream(false, 1_300, 9_000), 'silent altogether: nothing to subscribe to')
  t.ok(reachability.needsStream(false, 8_900, 9_000), 'silent by multicast, and an answer has arrived')
  reachability.beacon(every(500), 9_000)
  t.ok(reachability.needsStream(true, 9_000, 9_000), 'the count of consecutive beacons starts again')
  t.end()
})

t.test('an introduction is due when', (t) => {
  const cases: { name: string; terms?: Partial<HelloTerms>; prepare?: (e: PeerReachability) => void; from: number }[] =
    [
      { name: 'a received reader has asked nothing for a while', terms: { isDescribed: false }, from: 1_250 },
      { name: 'no peer has reported its reception', terms: { quietFromMs: 4_000 }, from: 1_250 },
      {
        name: 'no peer has reported its reception, and they know each other',
        terms: { quietFromMs: 6_000 },
        prepare: (e) => e.contacted(0),
        from: 5_000,
      },
      { name: 'it is silent', prepare: (e) => e.receptionReported(true, 0), from: 5_001 },
      {
        name: 'its beacons are silent',
        prepare: (e) => {
          e.receptionReported(true, 0)
          e.beacon(every(500), 0)
        },
        from: 1_251,
      },
      {
        name: 'its beacons are silent, its presence frames are not',
        terms: { isSource: true, quietFromMs: 6_000 },
        prepare: (e) => {
          e.receptionReported(true, 0)
          e.beacon(every(500), 0)
          e.presence(every(2_000), 0)
        },
        from: 1_251,
      },
      {
        name: 'it does not receive us',
        terms: { quietFromMs: 6_000 },
        prepare: (e) => e.receptionReported(false, 0),
        from: 5_000,
      },
      {
        name: 'it does not receive us, and something has changed',
        terms: { quietFromMs: 6_000, isUpToDate: false },
        prepare: (e) => e.receptionReported(false, 0),
        from: 0,
      },
      {
        name: 'never: it receives us',
        terms: { quietFromMs: 6_000 },
        prepare: (e) => e.receptionReported(true, 0),
        from: Infinity,
      },
      { name: 'never: we have nothing to send it', terms: { isSink: false }, from: Infinity },
      {
        name: 'never: it sends beacons, so it is asked anyway',
        terms: { isDescribed: false },
        prepare: (e) => e.beacon(every(500), 0),
        from: Infinity,
      },
    ]
  for (const { name, terms, prepare, from } of cases) {
    const reachability = new PeerReachability(0, 0.75)
    prepare?.(reachability)
    const first = Array.from({ length: 6_001 }, (_, nowMs) => nowMs).find((nowMs) =>
      reachability.isHelloDue({ ...related, ...terms }, nowMs),
    )
    t.equal(first ?? Infinity, from, name)
  }
  t.end()
})

t.test('time during which the listener was late counts neither as silence nor as reception', (t) => {
  const due = (reachability: PeerReachability, nowMs: number): boolean =>
    reachability.isHelloDue({ ...related, quietFromMs: nowMs }, nowMs)
  const known = new PeerReachability(0, 0.75)
  known.contacted(0)
  const notReceiving = new PeerReachability(0, 0.75)
  notReceiving.receptionReported(false, 0)
  for (const reachability of [known, notReceiving]) {
    reachability.discountSilence(60_000, 61_000)
    t.notOk(due(reachability, 64_999))
    t.ok(due(reachability, 65_000))
  }
  const unreceived = new PeerReachability(0, 0.75)
  unreceived.discountSilence(60_000, 60_000)
  t.notOk(unreceived.isBeaconing, 'a peer that was never received does not count as received')
  unreceived.beacon(every(500), 60_000)
  unreceived.discountSilence(60_000, 60_500)
  t.ok(unreceived.isReceiving(true, 61_750), 'no later than now')
  t.notOk(unreceived.isReceiving(true, 61_751))
  t.end()
})

t.test('an introduction is repeated every two seconds, and less and less often without an answer', (t) => {
  const reachability = new PeerReachability(0, 0.75)
  reachability.receptionReported(false, 0)
  const due = (nowMs: number): boolean => reachability.isHelloDue({ ...related, quietFromMs: nowMs }, nowMs)
  reachability.helloSent()
  t.notOk(due(6_000), 'one at a time')
  reachability.helloAnswered(6_000, 0)
  t.notOk(due(7_999))
  t.ok(due(8_000))
  const delays: number[] = []
  for (let nowMs = 8_000, round = 0; round < 9; round++) {
    reachability.helloSent()
    reachability.helloFailed(nowMs, 0)
    const failedMs = nowMs
    while (!due(nowMs)) nowMs += 50
    delays.push(nowMs - failedMs)
  }
  t.same(delays, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  t.ok(reachability.receptionReported(true, 500_000))
  t.notOk(reachability.receptionReported(true, 500_000))
  t.notOk(due(600_000))
  reachability.lost(600_000)
  t.equal(reachability.receivesFromUs, null)
  t.end()
})
