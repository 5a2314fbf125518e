import type { Counters } from '../../core/reporting/counters.js'
import type { Clock } from '../../core/time/clock.js'
import type { DetectionContext } from '../../liveliness/peer-detector.js'
import { type ProcessReading, unknownReading } from '../../liveliness/process-reading.js'
import type { SelfMonitor } from '../../liveliness/self-monitor.js'
import type { Finding, Verdict } from '../../liveliness/verdict.js'
import type { ProcessIdentity } from '../../wire/descriptor.js'
import { PeerSurvey } from './peer-survey.js'
import type { RemotePeer } from './remote-peer.js'

/** Asks a peer whether it is there; `CatchUpClient` does. */
export interface PeerQueries {
  ask(peer: RemotePeer): void
}

/** Acts on verdicts; `PeerDirectory` does. */
export interface VerdictListener {
  /** The verdict on the peer differs from `before`. */
  onVerdict(peer: RemotePeer, before: Verdict, verdict: Verdict): void
}

export interface FailureDetectorComponents {
  readonly clock: Clock
  readonly counters: Counters
  readonly identity: ProcessIdentity
  readonly observer: SelfMonitor
  /** Reads from the kernel how a process of this host is. */
  readonly probe: (identity: ProcessIdentity) => ProcessReading
  readonly queries: PeerQueries
  readonly verdicts: VerdictListener
}

/** Decides which peers are alive: passes the evidence to each peer's monitor and reports each new verdict. */
export class FailureDetector {
  readonly #components: FailureDetectorComponents

  constructor(components: FailureDetectorComponents) {
    this.#components = components
  }

  /**
   * Checks this participant first, because its own delay is not its peers' silence. Returns false when no peer may be
   * judged now.
   */
  checkSelf(peers: Iterable<RemotePeer>): boolean {
    const nowMs = this.#components.clock.nowMs()
    const { lateMs, mayJudge } = this.#components.observer.check(nowMs)
    if (lateMs > 0) {
      for (const { monitor, reachability } of peers) {
        monitor.discountSilence(lateMs, nowMs)
        reachability.discountSilence(lateMs, nowMs)
      }
    }
    return mayJudge
  }

  /** Judges each peer, in the light of how all of them are. */
  judge(peers: readonly RemotePeer[]): void {
    const { clock, identity, observer, queries } = this.#components
    const nowMs = clock.nowMs()
    const { timeoutMultiplier } = observer
    const overdue = new Map<RemotePeer, ProcessReading>()
    for (const peer of peers) {
      if (peer.monitor.isOverdue(nowMs, timeoutMultiplier)) overdue.set(peer, this.#probe(peer))
      if (!peer.monitor.shouldAsk(nowMs, timeoutMultiplier)) continue
      peer.monitor.asked(nowMs)
      queries.ask(peer)
    }
    const survey = new PeerSurvey(identity, peers, overdue)
    if (observer.assessSilence(survey.result, nowMs))
      for (const peer of overdue.keys()) peer.monitor.restartSilence(nowMs)
    for (const peer of peers) {
      const context: DetectionContext = {
        timeoutMultiplier,
        // A peer without a descriptor is a guess: no application has been told of it.
        canDeclareDead: observer.canDeclareDead || peer.descriptor === undefined,
        isHostSilent: survey.isHostSilent(peer),
      }
      const before = peer.monitor.verdict
      this.#report(peer, before, peer.monitor.judge(nowMs, overdue.get(peer) ?? unknownReading, context))
    }
  }

  /** Takes a fact about a peer: what the kernel reports of its process, or its goodbye. Overrides the lease. */
  applyFinding(peer: RemotePeer, finding: Finding): void {
    const before = peer.monitor.verdict
    this.#report(peer, before, peer.monitor.fact(finding, this.#components.clock.nowMs()))
  }

  #report(peer: RemotePeer, before: Verdict, verdict: Verdict): void {
    if (verdict !== before) this.#components.verdicts.onVerdict(peer, before, verdict)
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
