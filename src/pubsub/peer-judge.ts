import type { Clock } from '../core/clock.js'
import { type Liveliness, type LivelinessCause, ProcessProbe, type Verdict } from '../liveliness/verdict.js'
import type { ProcessIdentity } from '../wire/descriptor.js'
import type { RemotePeer } from './remote-peer.js'

export interface PeerJudgeComponents {
  readonly clock: Clock
  readonly identity: ProcessIdentity
  /** What the kernel says of a process of this host. */
  readonly probe: (identity: ProcessIdentity) => ProcessProbe
  /** The verdict on the peer is another one than before. */
  readonly onVerdict: (peer: RemotePeer, before: Verdict, verdict: Verdict) => void
}

/** Who lives: brings the evidence to each peer's monitor and reports what it concludes. */
export class PeerJudge {
  readonly #components: PeerJudgeComponents

  constructor(components: PeerJudgeComponents) {
    this.#components = components
  }

  /** `lateMs` is how late this participant itself is: the peer is not blamed for that. */
  credit(peer: RemotePeer, lateMs: number): void {
    if (lateMs > 0) peer.monitor.credit(lateMs, this.#components.clock.nowMs())
  }

  judge(peer: RemotePeer): void {
    const nowMs = this.#components.clock.nowMs()
    const before = peer.monitor.verdict
    this.#settle(peer, before, peer.monitor.judge(nowMs, this.#probe(peer, nowMs)))
  }

  /** A fact about a peer: the kernel's word, or its goodbye. */
  conclude(peer: RemotePeer, liveliness: Liveliness, cause: LivelinessCause | null, detail: string | null): void {
    const before = peer.monitor.verdict
    this.#settle(peer, before, peer.monitor.fact(liveliness, cause, detail, this.#components.clock.nowMs()))
  }

  #settle(peer: RemotePeer, before: Verdict, verdict: Verdict): void {
    if (verdict !== before) this.#components.onVerdict(peer, before, verdict)
  }

  #probe(peer: RemotePeer, nowMs: number): ProcessProbe {
    const { identity, probe } = this.#components
    const theirs = peer.descriptor?.identity
    if (theirs === undefined || !peer.monitor.isOverdue(nowMs)) return ProcessProbe.unknown
    const isVisible = theirs.bootId === identity.bootId && theirs.pidNamespace === identity.pidNamespace
    return isVisible ? probe(theirs) : ProcessProbe.unknown
  }
}
