import { seededRandom } from '../../src/core/random.js'
import { defaultLivelinessOptions, type LivelinessOptions } from '../../src/liveliness/liveliness-options.js'
import { PeerDetector } from '../../src/liveliness/peer-detector.js'
import type { PeerReach } from '../../src/liveliness/peer-reach.js'
import { ProcessProbe, type ProcessReading, unknownReading } from '../../src/liveliness/process-reading.js'
import { SelfMonitor } from '../../src/liveliness/self-monitor.js'
import type { Verdict } from '../../src/liveliness/verdict.js'

export interface PeerPlan {
  readonly reach: PeerReach
  /** Whether the observer can query the kernel about the peer. */
  readonly isSeen: boolean
  /** Never, if null. */
  readonly diesAtMs: number | null
}

export interface Scenario {
  readonly seed: number
  readonly peers: readonly PeerPlan[]
  /** Fraction of datagrams. Answers to questions arrive by a stream, which loses nothing. */
  readonly lossRatio: number
  /** Periods in which the observer is blocked: start and length. */
  readonly stalls: readonly { readonly fromMs: number; readonly forMs: number }[]
  readonly durationMs: number
  readonly options?: Pick<LivelinessOptions, 'unreachableDeadAfterMs'>
}

const stepMs = 10
const checkMs = 250
const intervalMs = 500
/** Datagrams that one turn of the event loop reads from a socket. */
const framesPerTurn = 32
const answerDelayMs = 20

/**
 * Simulates one observer and its peers in steps of 10 ms. Frames sent to a stalled observer wait in its socket, and are
 * read in turns when it continues. Returns each peer's verdicts, in order.
 */
export function simulate(scenario: Scenario): readonly (readonly Verdict[])[] {
  const random = seededRandom(scenario.seed)
  const options = { ...defaultLivelinessOptions, ...scenario.options }
  const observer = new SelfMonitor(checkMs, options.leaseMs, 0)
  const peers = scenario.peers.map((plan) => {
    const monitor = new PeerDetector(options, intervalMs, 0)
    monitor.setPlace({ reach: plan.reach, sharesNetwork: true })
    return {
      plan,
      monitor,
      history: [monitor.verdict],
      nextMs: random() * intervalMs,
      answersAtMs: undefined as number | undefined,
    }
  })
  type Peer = (typeof peers)[number]
  const waiting: { readonly peer: Peer; readonly isAnswer: boolean }[] = []
  const lives = ({ plan }: Peer, nowMs: number): boolean => plan.diesAtMs === null || nowMs < plan.diesAtMs
  let checkDueMs = checkMs

  const look = (peer: Peer, nowMs: number): ProcessReading => {
    if (!peer.plan.isSeen) return unknownReading
    const state = lives(peer, nowMs) ? ProcessProbe.sleeping : ProcessProbe.gone
    return { state, cpuTimeMs: 0, end: null }
  }
  const check = (nowMs: number): void => {
    checkDueMs = nowMs + checkMs
    const { lateMs, mayJudge } = observer.check(nowMs)
    if (lateMs > 0) for (const { monitor } of peers) monitor.discountSilence(lateMs, nowMs)
    if (!mayJudge) return
    const { timeoutMultiplier } = observer
    for (const peer of peers) {
      if (!peer.monitor.shouldAsk(nowMs, timeoutMultiplier)) continue
      peer.monitor.asked(nowMs)
      if (lives(peer, nowMs)) peer.answersAtMs = nowMs + answerDelayMs
    }
    const late = peers.filter(({ monitor, plan }) => !plan.isSeen && monitor.isOverdue(nowMs, timeoutMultiplier)).length
    const recovered = observer.assessSilence({ watched: peers.length, late }, nowMs)
    if (recovered)
      for (const { monitor } of peers) if (monitor.isOverdue(nowMs, timeoutMultiplier)) monitor.restartSilence(nowMs)
    for (const peer of peers) {
      const before = peer.monitor.verdict
      const circumstances = { timeoutMultiplier, canDeclareDead: observer.canDeclareDead, isHostSilent: false }
      const verdict = peer.monitor.judge(nowMs, look(peer, nowMs), circumstances)
      if (verdict !== before) peer.history.push(verdict)
    }
  }
  const read = (nowMs: number): void => {
    for (const { peer, isAnswer } of waiting.splice(0, framesPerTurn)) {
      if (isAnswer) peer.monitor.answered(nowMs)
      else peer.monitor.beacon({ intervalMs, loopDelayMs: 0, progress: 0 }, nowMs)
    }
  }

  for (let nowMs = 0; nowMs < scenario.durationMs; nowMs += stepMs) {
    for (const peer of peers) {
      if (lives(peer, nowMs) && nowMs >= peer.nextMs) {
        peer.nextMs = nowMs + intervalMs * (0.9 + 0.2 * random())
        if (random() >= scenario.lossRatio) waiting.push({ peer, isAnswer: false })
      }
      if (peer.answersAtMs !== undefined && nowMs >= peer.answersAtMs) {
        peer.answersAtMs = undefined
        waiting.push({ peer, isAnswer: true })
      }
    }
    if (scenario.stalls.some(({ fromMs, forMs }) => nowMs >= fromMs && nowMs < fromMs + forMs)) continue
    // The order after a stall depends on the blocked phase of the loop.
    const readsFirst = random() < 0.5
    if (readsFirst) read(nowMs)
    if (nowMs >= checkDueMs) check(nowMs)
    if (!readsFirst) read(nowMs)
  }
  return peers.map(({ history }) => history)
}
