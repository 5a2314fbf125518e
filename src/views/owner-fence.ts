import { CatchUpState } from '../cache/writer-progress.js'
import { type Guid, participantOf } from '../core/ids.js'
import type { FenceAnswer } from '../pubsub/catchup/fence-client.js'
import type { Participant } from '../pubsub/participant.js'
import type { WriterLag } from '../pubsub/reader/reader.js'
import type { OwnerRef } from './freshness/owner-lag.js'
import { ownerText, type ReadRefusal, RefusalReason, refuse } from './freshness/refusals.js'

export interface OwnerFenceComponents {
  readonly participant: Participant
  /** Until when an owner may answer, on the monotonic clock. */
  readonly deadlineMs: number
  /** Ends the requests. */
  readonly signal: AbortSignal
  /** An owner has answered, or has turned out to be silent. */
  readonly settled: () => void
}

/**
 * The fence of one strong read: every owner is asked for its present numbers, all at once. An owner that turns up during
 * the read is asked then, because it may have written before.
 */
export class OwnerFence {
  readonly #components: OwnerFenceComponents
  readonly #answers = new Map<Guid, FenceAnswer | undefined>()

  constructor(components: OwnerFenceComponents) {
    this.#components = components
  }

  /** Asks the owners that have not been asked yet. */
  ask(owners: Iterable<Guid>): void {
    const { participant, deadlineMs, signal, settled } = this.#components
    const timeoutMs = Math.max(1, deadlineMs - participant.clock.nowMs())
    for (const owner of owners) {
      if (this.#answers.has(owner)) continue
      this.#answers.set(owner, undefined)
      void participant.fence([owner], timeoutMs, signal).then(([answer]) => {
        this.#answers.set(owner, answer)
        settled()
      })
    }
  }

  /** Whether the owner has failed to answer, so that waiting does not help. */
  hasFailed(owner: Guid): boolean {
    const failure = this.#answers.get(owner)?.failure
    return failure !== undefined && failure !== null
  }

  /** Returns why the copy has not passed the fence; nothing when it has reached all that the present owners answered. */
  refusals(lags: readonly WriterLag[], refOf: (owner: Guid) => OwnerRef): ReadRefusal[] {
    const byOwner = new Map<Guid, WriterLag[]>()
    for (const lag of lags) {
      const owner = participantOf(lag.writer)
      const own = byOwner.get(owner)
      if (own === undefined) byOwner.set(owner, [lag])
      else own.push(lag)
    }
    return [...byOwner].flatMap(([owner, own]) => this.#refusalsOf(refOf(owner), own))
  }

  #refusalsOf(owner: OwnerRef, lags: readonly WriterLag[]): ReadRefusal[] {
    const answer = this.#answers.get(owner.participant)
    if (answer?.heads === undefined) {
      const failure = answer?.failure ?? 'no answer yet'
      return [refuse(RefusalReason.silent, owner, `${ownerText(owner)} did not answer (${failure})`)]
    }
    const { heads, version } = answer
    if (!this.#components.participant.isDescribed(owner.participant, version)) {
      return [refuse(RefusalReason.behind, owner, `the new writers of ${ownerText(owner)} are not known yet`)]
    }
    const behind = lags.filter(({ writer, appliedSeq, catchUpState }) => {
      const head = heads.get(writer)
      const isRefreshing = catchUpState !== CatchUpState.fresh && catchUpState !== CatchUpState.lagging
      // A writer that the answer does not name has closed; the copy must know of that too.
      return head === undefined || appliedSeq < head || (isRefreshing && appliedSeq === head)
    })
    if (behind.length === 0) return []
    const detail = `the copy has not reached what ${ownerText(owner)} answered, for ${behind.length} of its writers`
    return [refuse(RefusalReason.behind, owner, detail)]
  }
}
