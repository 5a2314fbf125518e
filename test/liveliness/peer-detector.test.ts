import t from 'tap'
import { defaultLivelinessOptions } from '../../src/liveliness/liveliness-options.js'
import { type DetectionContext, PeerDetector } from '../../src/liveliness/peer-detector.js'
import { PeerReach } from '../../src/liveliness/peer-reach.js'
import { defaultPhiOptions } from '../../src/liveliness/phi-accrual.js'
import type { ProcessProbe, ProcessReading } from '../../src/liveliness/process-reading.js'
import { isReliable } from '../../src/liveliness/verdict.js'

const calm: DetectionContext = { timeoutMultiplier: 1, canDeclareDead: true, isHostSilent: false }

function reading(state: ProcessProbe, changes: Partial<ProcessReading> = {}): ProcessReading {
  return { state, cpuTimeMs: null, end: null, ...changes }
}

/** A monitor with the default options and a beacon interval of 500 ms, received at 0. */
function newMonitor(reach: PeerReach = PeerReach.host, options = {}, sharesNetwork = true): PeerDetector {
  const monitor = new PeerDetector({ ...defaultLivelinessOptions, ...options }, 500, 0)
  monitor.setPlace({ reach, sharesNetwork })
  return monitor
}

/** Runs one round of the judge in which no peer answers. */
function round(
  monitor: PeerDetector,
  nowMs: number,
  state: ProcessProbe | ProcessReading = 'unknown',
  circumstances: Partial<DetectionContext> = {},
): void {
  const all = { ...calm, ...circumstances }
  if (monitor.shouldAsk(nowMs, all.timeoutMultiplier)) monitor.asked(nowMs)
  monitor.judge(nowMs, typeof state === 'string' ? reading(state) : state, all)
}

function told({ verdict }: PeerDetector): string {
  const { liveliness, cause, evidence, sinceMs } = verdict
  return [liveliness, cause, `by ${evidence}`, `since ${sinceMs}`].filter((part) => part !== null).join(' ')
}

t.test('the verdict on silence follows the reading of the kernel', (t) => {
  const cases: [ProcessProbe, PeerReach, number, string][] = [
    ['unknown', 'host', 1500, 'alive by beacon since 0'],
    ['unknown', 'host', 1501, 'suspect by lease since 1501'],
    ['unknown', 'host', 2999, 'suspect by lease since 1501'],
    ['unknown', 'host', 3000, 'dead lease-expired by lease since 3000'],
    ['unknown', 'lan', 3000, 'unreachable lease-expired by lease since 3000'],
    ['gone', 'host', 1500, 'alive by beacon since 0'],
    ['gone', 'host', 1501, 'dead exited by kernel since 1501'],
    ['stopped', 'host', 60_000, 'stalled stopped by kernel since 1501'],
    ['io-wait', 'host', 60_000, 'stalled io-wait by kernel since 1501'],
    ['frozen', 'host', 60_000, 'stalled frozen by kernel since 1501'],
    ['exists', 'host', 2500, 'suspect by kernel since 1501'],
    ['exists', 'host', 60_000, 'stalled unknown by kernel since 2999'],
    ['running', 'host', 60_000, 'stalled loop-busy by kernel since 1501'],
    ['sleeping', 'host', 2500, 'suspect by kernel since 1501'],
    ['sleeping', 'host', 60_000, 'stalled loop-busy by kernel since 2999'],
  ]
  for (const [state, reach, nowMs, expected] of cases) {
    const monitor = newMonitor(reach)
    for (const atMs of [1500, 1501, 2500, 2999, 3000, 60_000]) if (atMs <= nowMs) round(monitor, atMs, state)
    t.equal(told(monitor), expected, `${state}, ${reach}, at ${nowMs}`)
  }
  t.end()
})

t.test('a lease may end a peer only after it was asked and has not answered', (t) => {
  const monitor = newMonitor()
  monitor.judge(10_000, reading('unknown'), calm)
  t.match(monitor.verdict, { liveliness: 'suspect' }, 'late, but not asked')
  t.ok(monitor.shouldAsk(10_000))
  monitor.asked(10_000)
  t.notOk(monitor.shouldAsk(10_001))
  monitor.judge(10_999, reading('unknown'), calm)
  t.match(monitor.verdict, { liveliness: 'suspect' })
  const answering = newMonitor()
  monitor.judge(11_000, reading('unknown'), calm)
  t.match(monitor.verdict, { liveliness: 'dead', cause: 'lease-expired' })
  t.notOk(monitor.shouldAsk(99_000))

  round(answering, 1501)
  answering.answered(1510)
  answering.judge(1750, reading('unknown'), calm)
  t.match(answering.verdict, { liveliness: 'alive' })
  t.notOk(answering.shouldAsk(2510))
  t.ok(answering.shouldAsk(2511), 'a peer kept alive by its answers is asked before it is overdue')
  answering.frameReceived(2600)
  t.notOk(answering.shouldAsk(4100), 'not once its frames arrive again')
  t.end()
})

t.test('frames and answers are evidence, and a beacon sets the interval', (t) => {
  const monitor = newMonitor()
  round(monitor, 2000)
  t.match(monitor.verdict, { liveliness: 'suspect', cause: null })
  monitor.frameReceived(2100)
  round(monitor, 2200)
  t.equal(told(monitor), 'alive by beacon since 2200')
  monitor.beacon({ intervalMs: 2000, loopDelayMs: 0, progress: 0 }, 3000)
  round(monitor, 8999)
  t.equal(told(monitor), 'alive by beacon since 2200', 'it announced a long beacon interval')
  round(monitor, 9001)
  round(monitor, 10_001)
  t.equal(told(monitor), 'dead lease-expired by lease since 10001')
  t.end()
})

t.test('a late loop is stalled, whatever arrives, until it has been in time for an interval', (t) => {
  const monitor = newMonitor()
  const beacon = (nowMs: number, loopDelayMs: number): string => {
    monitor.beacon({ intervalMs: 500, loopDelayMs, progress: 0 }, nowMs)
    round(monitor, nowMs)
    return told(monitor)
  }
  t.equal(beacon(100, 999), 'alive by beacon since 0')
  t.equal(beacon(200, 1000), 'stalled loop-busy by beacon since 200')
  t.equal(monitor.verdict.detail, 'loop 1000 ms late')
  round(monitor, 300)
  t.equal(told(monitor), 'stalled loop-busy by beacon since 200', 'the start of the stall is kept')
  t.equal(beacon(600, 700), 'stalled loop-busy by beacon since 200', 'the delay is shorter, but still too long')
  t.equal(beacon(1000, 0), 'stalled loop-busy by beacon since 200', 'not for long enough')
  t.equal(beacon(1100, 0), 'alive by beacon since 1100')
  t.end()
})

t.test('the kernel tells a busy process from a sleeping one by its CPU time', (t) => {
  const monitor = newMonitor()
  round(monitor, 1600, reading('sleeping', { cpuTimeMs: 1000 }))
  t.match(monitor.verdict, { liveliness: 'suspect', evidence: 'kernel', detail: 'its process exists' })
  round(monitor, 1850, reading('sleeping', { cpuTimeMs: 1240 }))
  t.match(monitor.verdict, { liveliness: 'stalled', cause: 'loop-busy', detail: 'using 96 % of a CPU' })
  round(monitor, 2100, reading('sleeping', { cpuTimeMs: 1240 }))
  t.match(monitor.verdict, { liveliness: 'stalled', cause: 'loop-busy' }, 'a nap changes nothing')
  round(monitor, 2350, 'stopped')
  t.match(monitor.verdict, { liveliness: 'stalled', cause: 'stopped' })
  monitor.frameReceived(2400)
  round(monitor, 2600)
  t.match(monitor.verdict, { liveliness: 'alive' })

  const ended = newMonitor()
  round(ended, 1600, reading('gone', { end: { cause: 'killed', detail: 'SIGSEGV' } }))
  t.match(ended.verdict, { liveliness: 'dead', cause: 'killed', detail: 'SIGSEGV', evidence: 'kernel' })
  t.end()
})

t.test('a process that exists beyond a cut network is unreachable', (t) => {
  const monitor = newMonitor(PeerReach.host, { unreachableDeadAfterMs: 5_000 }, false)
  const sleeping = reading('sleeping', { cpuTimeMs: 1000 })
  for (const atMs of [1600, 2700]) round(monitor, atMs, sleeping, { isHostSilent: true })
  t.match(monitor.verdict, { liveliness: 'unreachable', cause: 'host-silent', evidence: 'kernel' })
  round(monitor, 60_000, sleeping, { isHostSilent: true })
  t.match(monitor.verdict, { liveliness: 'unreachable' }, 'no policy ends a peer that the kernel reports as existing')
  t.end()
})

t.test('when the kernel stops answering, the lease starts at its last answer', (t) => {
  const monitor = newMonitor()
  for (const atMs of [1600, 60_000]) round(monitor, atMs, 'stopped')
  round(monitor, 60_250)
  t.match(monitor.verdict, { liveliness: 'suspect' }, 'not dead: it existed a moment ago')
  round(monitor, 63_000)
  t.match(monitor.verdict, { liveliness: 'dead', cause: 'lease-expired' })
  t.end()
})

t.test('silence during a stall of the observer does not count against the peer', (t) => {
  const monitor = newMonitor()
  monitor.discountSilence(5000, 6000)
  round(monitor, 6000)
  t.equal(told(monitor), 'alive by beacon since 0')
  t.equal(monitor.lastReceivedMs, 0, 'the time of reception is not rewritten')
  round(monitor, 6501)
  t.match(monitor.verdict, { liveliness: 'suspect' }, 'the second before the observer’s stall counts')
  monitor.frameReceived(7000)
  round(monitor, 7000)
  monitor.discountSilence(5000, 7000)
  round(monitor, 8501)
  t.match(monitor.verdict, { liveliness: 'suspect', sinceMs: 8501 }, 'credit does not reach into the future')
  monitor.discountSilence(11_499, 20_000)
  round(monitor, 20_000)
  t.match(monitor.verdict, { liveliness: 'suspect' }, 'nor does it revive a peer')
  t.end()
})

t.test('a degraded observer waits longer', (t) => {
  const monitor = newMonitor()
  round(monitor, 4500, 'unknown', { timeoutMultiplier: 3 })
  t.match(monitor.verdict, { liveliness: 'alive' })
  round(monitor, 4501, 'unknown', { timeoutMultiplier: 3 })
  t.match(monitor.verdict, { liveliness: 'suspect' })
  for (const atMs of [8000, 8999]) round(monitor, atMs, 'unknown', { timeoutMultiplier: 3 })
  t.match(monitor.verdict, { liveliness: 'suspect' })
  round(monitor, 9000, 'unknown', { timeoutMultiplier: 3 })
  t.match(monitor.verdict, { liveliness: 'dead' })
  t.end()
})

t.test('an isolated observer declares no peer dead unless the kernel does', (t) => {
  const monitor = newMonitor()
  for (const atMs of [1600, 60_000]) round(monitor, atMs, 'unknown', { canDeclareDead: false })
  t.match(monitor.verdict, { liveliness: 'suspect' })
  const gone = newMonitor()
  round(gone, 1600, 'gone', { canDeclareDead: false })
  t.match(gone.verdict, { liveliness: 'dead', cause: 'exited' })
  t.end()
})

t.test('after isolation silence counts from now', (t) => {
  const monitor = newMonitor()
  for (const atMs of [1600, 60_000]) round(monitor, atMs, 'unknown', { canDeclareDead: false })
  monitor.restartSilence(60_000)
  round(monitor, 60_000)
  t.match(monitor.verdict, { liveliness: 'suspect' }, 'this is no evidence of life')
  for (const atMs of [61_600, 62_999]) round(monitor, atMs)
  t.match(monitor.verdict, { liveliness: 'suspect' })
  round(monitor, 63_000)
  t.match(monitor.verdict, { liveliness: 'dead' })
  const lost = newMonitor(PeerReach.lan, { unreachableDeadAfterMs: 5_000 })
  round(lost, 3_000)
  lost.restartSilence(10_000)
  for (const atMs of [12_000, 14_999]) round(lost, atMs)
  t.match(lost.verdict, { liveliness: 'unreachable' })
  round(lost, 15_000)
  t.match(lost.verdict, { liveliness: 'dead' })
  t.end()
})

t.test('across hosts phi decides, and the worst verdict is unreachable', (t) => {
  const monitor = newMonitor(PeerReach.far)
  const atMs = [4000, 4100, 4200, 4300, 4400, 4500].find((nowMs) => {
    round(monitor, nowMs)
    return monitor.verdict.liveliness === 'unreachable'
  })
  t.equal(atMs, 4200, 'mean 500 + pause 3000 + 5.2 deviations of 125')
  t.match(monitor.verdict, { cause: 'lease-expired', evidence: 'phi' })
  round(monitor, 1e9)
  t.match(monitor.verdict, { liveliness: 'unreachable' })
  monitor.frameReceived(1e9)
  round(monitor, 1e9)
  t.match(monitor.verdict, { liveliness: 'alive' })
  const silent = newMonitor(PeerReach.far)
  round(silent, 10_000, 'unknown', { isHostSilent: true })
  t.match(silent.verdict, { liveliness: 'unreachable', cause: 'host-silent' })
  t.end()
})

t.test('an interval across a failure does not lengthen the timeout', (t) => {
  const intervalMs = 500
  const inTime = { intervalMs, loopDelayMs: 0, progress: 0 }
  let nowMs = 0
  const beacon = (monitor: PeerDetector, afterMs = intervalMs, evidence = inTime): void => {
    nowMs += afterMs
    monitor.beacon(evidence, nowMs)
  }
  const beacons = (monitor: PeerDetector, count: number): void => {
    for (let n = 0; n < count; n++) {
      beacon(monitor)
      round(monitor, nowMs)
    }
  }
  /** Returns the silence after which a peer is lost, if `play` has interrupted its regular beacons five times. */
  const lostAfterMs = (play: (monitor: PeerDetector) => void): number => {
    const monitor = newMonitor(PeerReach.far, { phi: { ...defaultPhiOptions, maxSamples: 20 } })
    nowMs = 0
    beacons(monitor, 20)
    for (let n = 0; n < 5; n++) {
      play(monitor)
      beacons(monitor, 2)
    }
    if (monitor.verdict.liveliness !== 'alive') t.fail(told(monitor))
    let silenceMs = 0
    while (monitor.verdict.liveliness !== 'unreachable' && silenceMs < 60_000) {
      silenceMs += 50
      round(monitor, nowMs + silenceMs)
    }
    return silenceMs
  }
  const regular = lostAfterMs(() => {})
  t.equal(regular, 4050, 'mean 500 + pause 3000 + 5.2 deviations of 100')
  t.ok(
    lostAfterMs((monitor) => beacon(monitor, 1400)) > regular + 1000,
    'intervals without a failure do lengthen the timeout',
  )
  t.equal(
    lostAfterMs((monitor) => {
      for (const afterMs of [1400, 1400]) {
        beacon(monitor, afterMs, { ...inTime, loopDelayMs: 1000 })
        round(monitor, nowMs)
      }
      t.equal(monitor.verdict.liveliness, 'stalled')
      // In time again, for long enough to count as recovered.
      beacons(monitor, 1)
    }),
    regular,
    'the peer was stalled',
  )
  t.equal(
    lostAfterMs((monitor) => {
      // The observer reads its queued frames, and then notices that it was late itself.
      beacon(monitor, 3000)
      monitor.discountSilence(2500, nowMs)
      round(monitor, nowMs)
    }),
    regular,
    'the observer was stalled',
  )
  t.equal(
    lostAfterMs((monitor) => {
      round(monitor, nowMs + 1600, 'unknown', { canDeclareDead: false })
      t.equal(monitor.verdict.liveliness, 'suspect')
      monitor.restartSilence(nowMs + 2500)
      beacon(monitor, 2900)
      round(monitor, nowMs)
    }),
    regular,
    'the observer was deaf',
  )
  t.end()
})

t.test('a policy may declare a long absence a death', (t) => {
  const monitor = newMonitor(PeerReach.lan, { unreachableDeadAfterMs: 10_000 })
  round(monitor, 3000)
  monitor.discountSilence(5000, 9000)
  for (const atMs of [12_999, 17_999]) round(monitor, atMs)
  t.match(monitor.verdict, { liveliness: 'unreachable', sinceMs: 3000 })
  round(monitor, 18_000, 'unknown', { canDeclareDead: false })
  t.match(monitor.verdict, { liveliness: 'unreachable' })
  round(monitor, 18_000)
  t.match(monitor.verdict, { liveliness: 'dead', cause: 'lease-expired', detail: 'unreachable for 10000 ms' })
  t.end()
})

t.test('a peer that came back is on probation', (t) => {
  const monitor = newMonitor(PeerReach.lan)
  t.ok(isReliable(monitor.verdict, 0))
  round(monitor, 2000)
  t.notOk(isReliable(monitor.verdict, 2000))
  monitor.frameReceived(2100)
  round(monitor, 2200)
  t.ok(isReliable(monitor.verdict, 2200), 'being overdue is no failure')
  for (const atMs of [4000, 6000]) round(monitor, atMs)
  monitor.frameReceived(7000)
  round(monitor, 7000)
  t.match(monitor.verdict, { liveliness: 'alive', reliableFromMs: 37_000 })
  t.notOk(isReliable(monitor.verdict, 36_999))
  t.ok(isReliable(monitor.verdict, 37_000))
  round(monitor, 9000)
  monitor.frameReceived(9100)
  round(monitor, 9200)
  t.match(monitor.verdict, { liveliness: 'alive', reliableFromMs: 37_000 }, 'being overdue does not end the probation')
  const returning = new PeerDetector(defaultLivelinessOptions, 500, 1000, true)
  t.equal(returning.verdict.reliableFromMs, 31_000)
  t.end()
})

t.test('facts from the kernel and from frames override each other until the peer is dead', (t) => {
  const stopped = { liveliness: 'stalled', cause: 'stopped', detail: 'SIGSTOP', evidence: 'kernel' } as const
  const monitor = newMonitor()
  monitor.fact(stopped, 100)
  round(monitor, 350)
  t.equal(told(monitor), 'stalled stopped by kernel since 100', 'a running lease does not contradict it')
  monitor.frameReceived(400)
  round(monitor, 450)
  t.equal(told(monitor), 'alive by beacon since 450', 'a frame does')
  monitor.fact(stopped, 500)
  round(monitor, 2000, 'gone')
  t.equal(told(monitor), 'dead exited by kernel since 2000', 'the kernel does')
  monitor.frameReceived(2100)
  round(monitor, 2200, 'running')
  monitor.fact({ liveliness: 'alive', cause: null, detail: null, evidence: 'beacon' }, 2300)
  t.equal(told(monitor), 'dead exited by kernel since 2000', 'dead is final')
  const killed = newMonitor()
  killed.fact({ liveliness: 'dead', cause: 'killed', detail: 'SIGKILL', evidence: 'kernel' }, 5)
  t.match(killed.verdict, { liveliness: 'dead', cause: 'killed', detail: 'SIGKILL', sinceMs: 5, reliableFromMs: null })
  killed.fact({ liveliness: 'dead', cause: 'goodbye', detail: null, evidence: 'goodbye' }, 6)
  t.equal(told(killed), 'dead killed by kernel since 5', 'the first cause is kept')
  t.end()
})

t.test('a peer with a late loop is detected within bounds, even if it then dies', (t) => {
  const cases: [reach: PeerReach, intervalMs: number, timeoutMultiplier: number, expected: string, withinMs: number][] =
    [
      // Three of its own intervals or the lease, whichever is longer, then a second for the answer to a question.
      ['host', 500, 1, 'dead', 3_000],
      ['host', 500, 9, 'dead', 9 * 4_000],
      ['host', 65_535, 1, 'dead', 3 * 65_535 + 1_000],
      ['host', 65_535, 9, 'dead', 9 * (3 * 65_535 + 1_000)],
      ['lan', 500, 1, 'unreachable', 3_000],
      ['lan', 500, 9, 'unreachable', 9 * 3_000],
      ['lan', 65_535, 9, 'unreachable', 9 * 3 * 65_535],
      // Phi of 8: the interval, the pause, and 5.2 deviations, which are 100 ms or a quarter of the interval.
      ['far', 500, 1, 'unreachable', 500 + 3_000 + 5.2 * 125],
      ['far', 500, 9, 'unreachable', 9 * (500 + 3_000 + 5.2 * 125)],
    ]
  const checkMs = 250
  for (const [reach, intervalMs, timeoutMultiplier, expected, withinMs] of cases) {
    const monitor = newMonitor(reach)
    for (let atMs = 0; atMs <= 3 * intervalMs; atMs += intervalMs) {
      monitor.beacon({ intervalMs, loopDelayMs: 60_000, progress: 0 }, atMs)
      round(monitor, atMs, 'unknown', { timeoutMultiplier })
    }
    t.equal(monitor.verdict.liveliness, 'stalled')
    const diedMs = 3 * intervalMs
    let nowMs = diedMs
    while (monitor.verdict.liveliness !== expected && nowMs < 1e7) {
      nowMs += checkMs
      round(monitor, nowMs, 'unknown', { timeoutMultiplier })
    }
    const tookMs = nowMs - diedMs
    t.ok(
      tookMs <= withinMs + 3 * checkMs,
      `${reach}, every ${intervalMs} ms, patience ${timeoutMultiplier}: ${tookMs} ms`,
    )
  }
  const vouched = newMonitor('host')
  vouched.beacon({ intervalMs: 500, loopDelayMs: 60_000, progress: 0 }, 0)
  for (let nowMs = 0; nowMs <= 60_000; nowMs += checkMs) round(vouched, nowMs, 'running')
  t.match(vouched.verdict, { liveliness: 'stalled', cause: 'loop-busy' })
  let nowMs = 60_000
  while (vouched.verdict.liveliness !== 'dead' && nowMs < 1e7) {
    nowMs += checkMs
    round(vouched, nowMs)
  }
  t.equal(nowMs, 63_000, 'one lease after the last answer of the kernel')
  t.end()
})
