import { CatchUpState } from '../../cache/writer-progress.js'
import type { EntityId, Seq } from '../../core/ids.js'
import type { Random } from '../../core/random.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Clock } from '../../core/time/clock.js'
import type { LocalHealth } from '../../liveliness/local-health.js'
import { Liveliness } from '../../liveliness/verdict.js'
import { Reliability } from '../../qos/policies.js'
import type { StreamLane } from '../../transport/lane/transport.js'
import type { Descriptor } from '../../wire/descriptor.js'
import { malformed, Rejection } from '../../wire/encoding/bytes.js'
import { CatchUpAction, decodePullReply, encodePullRequest, type PullProgress } from '../../wire/pull.js'
import { receptionField, reportedReception } from '../../wire/reception.js'
import type { LocalEndpoints } from '../endpoints/local-endpoints.js'
import type { PeerQueries } from '../peer/failure-detector.js'
import { eachMatch, isDescribed, type Match, type RemotePeer, requestEndpointsOf } from '../peer/remote-peer.js'
import type { WriterProxy } from '../reader/writer-proxy.js'
import { failureReason } from './failure-reason.js'
import { type PullSnapshot, pullSnapshotOf } from './pull-snapshot.js'
import { readSamplesFrame } from './samples-frame.js'
import type { SyncWaiters } from './sync-waiters.js'

/** Takes what a pull reply tells of the peer itself; `PeerDirectory` does. */
export interface PullReplySink {
  /** The reply brought the peer's descriptor; called before its changes are applied. */
  described(peer: RemotePeer, descriptor: Descriptor): void
  /** The peer has reported whether it receives this participant's multicast frames. */
  reportReception(peer: RemotePeer, receivesFromUs: boolean): void
}

export interface CatchUpClientComponents {
  readonly clock: Clock
  readonly random: Random
  readonly counters: Counters
  readonly stream: StreamLane
  readonly endpoints: LocalEndpoints
  readonly replies: PullReplySink
  readonly waiters: SyncWaiters
  /** Answers and timeouts are evidence of how well this participant receives. By that it lengthens its timeouts. */
  readonly observer: {
    readonly local: Pick<LocalHealth, 'answered' | 'unanswered'>
    readonly timeoutMultiplier: number
  }
}

/**
 * Time to wait for a reply; doubled after each failure. Otherwise a peer that needs 2 s to answer would be asked again
 * each second, and no answer would ever arrive in time.
 */
const requestTimeoutMs = 1_000
const maxRequestTimeoutMs = 8_000
const maxBackoffMs = 2_000
/** After this many failures in a row a copy is `unavailable` rather than `recovering`. */
const failuresUntilUnavailable = 3
/**
 * A gap is asked about after a uniformly random delay of up to `minSpreadMs + perReaderMs · audience`. The audience is
 * the number of reading participants, from the peer's beacons. The delay leaves time for a frame that is merely late, and
 * keeps a thousand readers with the same gap from asking at the same instant. It grows with the group like SRM's request
 * timer (Floyd et al., IEEE/ACM ToN 5(6), 1997). At 0.2 ms per reader one peer is asked at most 5,000 times per second.
 */
const minSpreadMs = 4
const perReaderMs = 0.2

/** The reader's side of catch-up: asks each peer when there is something to learn, one request at a time. */
export class CatchUpClient implements PeerQueries {
  readonly #components: CatchUpClientComponents
  #closed = false

  constructor(components: CatchUpClientComponents) {
    this.#components = components
  }

  /** Asks at once: a newcomer collides with no other request. */
  scheduleNow(peer: RemotePeer): void {
    this.#schedule(peer, 0)
  }

  /** Asks after the random delay, if it is still necessary then. */
  scheduleSpread(peer: RemotePeer): void {
    this.#schedule(peer, this.#components.random() * (minSpreadMs + perReaderMs * Math.max(1, peer.audience)))
  }

  /** Asks whether the peer is there, although there may be nothing to learn. Its answer is evidence of life. */
  ask(peer: RemotePeer): void {
    peer.pull.isQuestion = true
    this.scheduleSpread(peer)
  }

  /** Sends no more requests to this peer. */
  stopAsking(peer: RemotePeer): void {
    peer.pull.ended = true
    peer.pull.timer?.cancel()
    peer.pull.timer = undefined
  }

  close(): void {
    this.#closed = true
  }

  stateOf(proxy: WriterProxy, peer: RemotePeer | undefined): CatchUpState {
    if (proxy.started && !proxy.stale && !proxy.progress.hasGap) return CatchUpState.fresh
    if (peer === undefined || peer.pull.failures >= failuresUntilUnavailable) return CatchUpState.unavailable
    if (peer.monitor.verdict.liveliness === Liveliness.unreachable) return CatchUpState.unavailable
    if (peer.pull.inFlight) return CatchUpState.recovering
    return proxy.started ? CatchUpState.lagging : CatchUpState.bootstrapRequired
  }

  #schedule(peer: RemotePeer, delayMs: number): void {
    const { pull } = peer
    if (this.#closed || pull.ended || pull.inFlight || pull.timer !== undefined) return
    pull.timer = this.#components.clock.after(delayMs, () => {
      pull.timer = undefined
      if (this.#closed) return
      if (this.#isNeeded(peer)) void this.#ask(peer)
      // A frame that was only late has closed the gap meanwhile.
      else this.#components.waiters.progressed(peer)
    })
  }

  #isNeeded(peer: RemotePeer): boolean {
    if (!isDescribed(peer) || peer.pull.isQuestion) return true
    for (const match of eachMatch(peer)) {
      if (match.proxy.ackReport.isWanted(match.proxy.progress.appliedSeq)) return true
      if (match.proxy.blocked) continue
      if (!match.proxy.started || match.proxy.stale) return true
      if (match.proxy.progress.hasGap && match.reader.qos.reliability === Reliability.reliable) return true
    }
    return false
  }

  /** Random, so that requests that failed together are not repeated together. */
  #backoffMs(failures: number): number {
    if (failures === 0) return 0
    return Math.min(maxBackoffMs, 50 * 2 ** Math.min(failures, 10)) * (0.5 + this.#components.random())
  }

  /** Sends one request and applies its reply. Never rejects: a failure is counted and retried. */
  async #ask(peer: RemotePeer): Promise<void> {
    const { clock, stream, counters, waiters, observer, replies, endpoints } = this.#components
    const { local: health, timeoutMultiplier } = observer
    const askedMs = clock.nowMs()
    peer.pull.inFlight = true
    peer.pull.isQuestion = false
    const isMore = this.#isNeeded(peer)
    const wasDescribed = isDescribed(peer)
    const multiplier = timeoutMultiplier * 2 ** Math.min(peer.pull.failures, 10)
    const timeoutMs = Math.min(maxRequestTimeoutMs, requestTimeoutMs * multiplier)
    const asked = pullSnapshotOf(peer)
    const isReceiving = peer.reachability.receptionReport(peer.matches.size > 0, askedMs, timeoutMultiplier)
    try {
      const descriptor = endpoints.descriptor()
      const { version } = descriptor
      const request = encodePullRequest({
        descriptor,
        knownVersion: peer.descriptor?.version ?? 0,
        ...receptionField(isReceiving),
        tokens: asked.tokens,
      })
      const reply = decodePullReply(
        await stream.request(requestEndpointsOf(peer, descriptor.identity), request, { timeoutMs }),
      )
      if (this.#closed || peer.pull.ended) return
      if (reply.descriptor !== undefined && reply.descriptor.guid !== peer.guid) {
        throw malformed(Rejection.badValue, 'descriptor of another participant')
      }
      health.answered()
      peer.pull.isQuestion = false
      peer.monitor.answered(clock.nowMs())
      peer.reachability.contacted(clock.nowMs())
      peer.holdsVersion = version
      const isReceived = reportedReception(reply)
      if (isReceived !== undefined) replies.reportReception(peer, isReceived)
      if (reply.descriptor !== undefined) replies.described(peer, reply.descriptor)
      this.#retractVersion(peer, asked.version)
      // Any reply answers a question. An unexpected descriptor is no reason to ask again at once.
      let moved = (reply.descriptor !== undefined && !wasDescribed) || !isMore
      for (const [proxy, seq] of asked.applied) moved = proxy.ackReport.reported(seq, clock.nowMs()) || moved
      for (const part of reply.progress) moved = this.#apply(peer, part, asked, askedMs) || moved
      // A peer that announces changes that it does not deliver would otherwise be asked without end.
      peer.pull.failures = moved ? 0 : peer.pull.failures + 1
      counters.add(moved ? 'catch-up.replies' : 'catch-up.failed.no-progress')
    } catch (error) {
      peer.pull.failures++
      // A silent peer does not answer either. If its frames still arrive, the fault may be this participant's.
      if (isTimeout(error) && peer.monitor.lastReceivedMs > askedMs) health.unanswered(peer.guid)
      counters.addError(`catch-up.failed.${failureReason(error)}`, error)
    }
    peer.pull.inFlight = false
    if (this.#closed || peer.pull.ended) return
    if (this.#isNeeded(peer)) this.#schedule(peer, this.#backoffMs(peer.pull.failures))
    waiters.progressed(peer)
  }

  /**
   * Versions and sequence numbers only rise. A peer that answers with less than was announced in its name before the
   * request never was that far. Without this a forged number would be asked about forever.
   */
  #retractVersion(peer: RemotePeer, announcedWhenAsked: number): void {
    const version = peer.descriptor?.version
    if (version === undefined || peer.announcedVersion <= version) return
    if (peer.announcedVersion !== announcedWhenAsked) return
    peer.announcedVersion = version
    this.#components.counters.add('catch-up.retracted.version')
  }

  /** Returns false when the reply left the reader where it was. */
  #apply(peer: RemotePeer, part: PullProgress, asked: PullSnapshot, askedMs: number): boolean {
    const match = findMatch(peer, part)
    if (match === undefined) return false
    const { reader, proxy } = match
    if (part.action === CatchUpAction.reject) {
      proxy.lastAction = part.action
      reader.catchUps.action(part.action)
      return false
    }
    // Without room the change would only be refused again.
    if (proxy.blocked) return false
    if (asked.newcomers.has(proxy) && proxy.started) {
      // A live frame has started it meanwhile: the changes between are a gap like any other.
      proxy.progress.announce(part.headSeq)
      reader.progressed(proxy, askedMs)
      return true
    }
    const before = { started: proxy.started, seq: proxy.progress.appliedSeq }
    if (part.action === CatchUpAction.bootstrap && proxy.bootstrap?.base !== part.base) {
      proxy.bootstrap = { base: part.base, cursor: 0, seen: new Set() }
    }
    // This part holds all that is left of the numbers after this one. A bootstrap begins with what is applied already.
    const after = Math.max(before.seq, proxy.bootstrap?.cursor ?? 0)
    if (part.frame !== undefined) {
      const { head, samples } = readSamplesFrame(part.frame, peer.guid, part.writer)
      const refusedSeq = reader.receiveCatchUp(proxy, head, samples)
      reader.repaired(proxy, after, refusedSeq === undefined ? part.toSeq : refusedSeq - 1, samples)
      if (refusedSeq !== undefined) {
        stopBefore(refusedSeq, proxy, part)
        reader.progressed(proxy, askedMs)
        return true
      }
    } else reader.repaired(proxy, after, part.toSeq, [])
    if (proxy.bootstrap !== undefined) proxy.bootstrap.cursor = Math.max(proxy.bootstrap.cursor, part.toSeq)
    if ((asked.heads.get(proxy) ?? 0) > part.headSeq) {
      proxy.progress.retract(part.headSeq)
      this.#components.counters.add('catch-up.retracted.head')
    }
    proxy.progress.announce(part.headSeq)
    if (part.more) {
      if (proxy.bootstrap === undefined) proxy.progress.advanceTo(part.toSeq)
      reader.advanced(proxy)
      reader.progressed(proxy, askedMs)
      return part.frame !== undefined
    }
    reader.finishBootstrap(proxy)
    proxy.progress.advanceTo(part.toSeq)
    proxy.started = true
    const isRefreshed = asked.stale.has(proxy)
    if (isRefreshed) proxy.stale = false
    reader.advanced(proxy)
    const isAhead = proxy.progress.appliedSeq > before.seq
    if (isRefreshed || !before.started || isAhead) {
      proxy.lastAction = isRefreshed ? CatchUpAction.reload : part.action
      reader.catchUps.action(proxy.lastAction)
    }
    if (before.started && isAhead) reader.catchUps.repair()
    reader.progressed(proxy, askedMs)
    return isRefreshed || !before.started || isAhead
  }
}

function findMatch(peer: RemotePeer, part: PullProgress): Match | undefined {
  return peer.matches.get(part.writer as EntityId)?.find(({ reader }) => reader.entity === part.reader)
}

/** The reader has room up to the refused number: the next request continues from there. */
function stopBefore(refusedSeq: Seq, proxy: WriterProxy, part: PullProgress): void {
  const toSeq = refusedSeq - 1
  if (proxy.bootstrap === undefined) proxy.progress.advanceTo(toSeq)
  else proxy.bootstrap.cursor = Math.max(proxy.bootstrap.cursor, toSeq)
  proxy.progress.announce(part.headSeq)
}

function isTimeout(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'NUMACAST_TIMEOUT'
}
