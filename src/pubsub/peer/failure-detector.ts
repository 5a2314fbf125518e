import type { Clock } from '../../core/clock.js'
import type { Counters } from '../../core/counters.js'
import type { DetectionContext } from '../../liveliness/peer-detector.js'
import { type ProcessReading, unknownReading } from '../../liveliness/process-reading.js'
import type { SelfMonitor } from '../../liveliness/self-monitor.js'
import type { Finding, Verdict } from '../../liveliness/verdict.js'
import type { ProcessIdentity } from '../../wire/descriptor.js'
import { PeerSurvey } from './peer-survey.js'
import type { RemotePeer } from './remote-peer.js'

export interface FailureDetectorComponents {
  readonly clock: Clock
  readonly counters: Counters
  readonly identity: ProcessIdentity
  readonly observer: SelfMonitor
  /** What the kernel says of a process of this host. */
  readonly probe: (identity: ProcessIdentity) => ProcessReading
  /** Asks the peer whether it is there. */
  readonly ask: (peer: RemotePeer) => void
  /** The verdict on the peer is another one than before. */
  readonly onVerdict: (peer: RemotePeer, before: Verdict, verdict: Verdict) => void
}

/** Who lives: brings the evidence to each peer's monitor and reports what it concludes. */
export class FailureDetector {
  readonly #components: FailureDetectorComponents

  constructor(components: FailureDetectorComponents) {
    this.#components = components
  }

  /** The observer first: what it was late is not its peers' silence. False when nobody may be judged now. */
  checkSelf(peers: Iterable<RemotePeer>): boolean {
    const nowMs = this.#components.clock.nowMs()
    const { lateMs, mayJudge } = this.#components.observer.check(nowMs)
    if (lateMs > 0) {
      for (const { monitor, reachability } of peers) {
        monitor.credit(lateMs, nowMs)
        reachability.credit(lateMs, nowMs)
      }
    }
    return mayJudge
  }

  /** Judges everybody, in the light of how everybody is. */
  round(peers: readonly RemotePeer[]): void {
    const { clock, identity, observer, ask } = this.#components
    const nowMs = clock.nowMs()
    const { timeoutMultiplier } = observer
    const overdue = new Map<RemotePeer, ProcessReading>()
    for (const peer of peers) {
      if (peer.monitor.isOverdue(nowMs, timeoutMultiplier)) overdue.set(peer, this.#probe(peer))
      if (!peer.monitor.shouldAsk(nowMs, timeoutMultiplier)) continue
      peer.monitor.asked(nowMs)
      ask(peer)
    }
    const survey = new PeerSurvey(identity, peers, overdue)
    if (observer.survey(survey.result, nowMs)) for (const peer of overdue.keys()) peer.monitor.forgive(nowMs)
    for (const peer of peers) {
      const circumstances: DetectionContext = {
        timeoutMultiplier,
        // One that has not even described itself is a guess, and mourned by nobody.
        canDeclareDead: observer.canDeclareDead || peer.descriptor === undefined,
        isHostSilent: survey.isHostSilent(peer),
      }
      const before = peer.monitor.verdict
      this.#settle(peer, before, peer.monitor.judge(nowMs, overdue.get(peer) ?? unknownReading, circumstances))
    }
  }

  /** A fact about a peer: the kernel's word, or its goodbye. */
  conclude(peer: RemotePeer, finding: Finding): void {
    const before = peer.monitor.verdict
    this.#settle(peer, before, peer.monitor.fact(finding, this.#components.clock.nowMs()))
  }

  #settle(peer: RemotePeer, before: Verdict, verdict: Verdict): void {
    if (verdict !== before) this.#components.onVerdict(peer, before, verdict)
  }

  #probe({ descriptor }: RemotePeer): ProcessReading {
    const { counters, identity, probe } = this.#components
    if (descriptor === undefined || descriptor.identity.bootId !== identity.bootId) return unknownReading
    try {
      return probe(descriptor.identity)
    } catch (error) {
      counters.addError('peer.probe-failed', error)
      return unknownReading
    }
  }
}
