import { WriterProgress } from '../../cache/writer-progress.js'
import { type EntityGuid, type Guid, participantOf, type Seq, type Token } from '../../core/ids.js'
import type { WriterLag } from '../../pubsub/reader/reader.js'
import type { WriterProxy } from '../../pubsub/reader/writer-proxy.js'
import { closedSeq, ended, entityOf, type ViewToken } from '../token/view-token.js'
import { ViewVector } from '../token/view-vector.js'

/** A participant of which a required token includes more than the copy does. */
export interface UnmetOwner {
  readonly participant: Guid
  /** For people to read. */
  readonly detail: string
}

/** Writers that were never received from and whose changes relays bring; the oldest are forgotten first. */
const maxRelayed = 1_024

/**
 * What the copy of a view includes, over all its readers. The number of a writer covers what the readers have applied of
 * it. Of a writer that has gone before it was met, relays may have brought everything: its numbers then follow each
 * other without a gap.
 */
export class CopyPosition {
  readonly #vector = new ViewVector()
  /** Writers that may have moved on since the vector was last brought up to date. */
  readonly #moved = new Set<WriterProxy>()
  readonly #relayed = new Map<EntityGuid, WriterProgress>()

  markMoved(proxy: WriterProxy): void {
    this.#moved.add(proxy)
  }

  /** A relay has brought the change. */
  relayed({ writer, seq }: Token): void {
    let progress = this.#relayed.get(writer)
    if (progress === undefined) {
      progress = new WriterProgress()
      const [oldest] = this.#relayed.keys()
      if (this.#relayed.size >= maxRelayed && oldest !== undefined) this.#relayed.delete(oldest)
      this.#relayed.set(writer, progress)
    }
    progress.receive(seq - 1, seq)
  }

  /** The writer has closed, while its participant goes on. */
  writerClosed(writer: EntityGuid): void {
    this.#vectorNow().close(writer)
  }

  /** The participant has ended, or was lost, and nothing of it is shown any more. */
  participantEnded(participant: Guid): void {
    this.#vectorNow().end(participant)
  }

  /** The participant is there. */
  participantJoined(participant: Guid): void {
    this.#vector.revive(participant)
  }

  knows(participant: Guid): boolean {
    return this.#vectorNow().knows(participant)
  }

  /** Returns the number up to which the copy includes the changes of a writer. */
  get(writer: EntityGuid): Seq {
    return Math.max(this.#vectorNow().get(writer), this.#relayed.get(writer)?.appliedSeq ?? 0)
  }

  /** Returns the token of the copy. */
  servedToken(): string {
    return this.#vectorNow().toString()
  }

  /** Returns the token of what the writers have written, as far as is known. */
  currentToken(lags: readonly WriterLag[]): string {
    return this.#vectorNow().textWith(lags.map(({ writer, headSeq }) => ({ writer, seq: headSeq })))
  }

  /** @param lags of every writer that the readers have now */
  unmet(token: ViewToken, lags: readonly WriterLag[]): UnmetOwner[] {
    const present = new Map(lags.map((lag) => [lag.writer, lag]))
    const participants = new Set(lags.map(({ writer }) => participantOf(writer)))
    const unmet: UnmetOwner[] = []
    for (const [participant, included] of token.owners) {
      if (included === ended) {
        if (participants.has(participant)) unmet.push({ participant, detail: 'it has ended, which is not known here' })
        continue
      }
      for (const [entity, seq] of included) {
        const writer = `${participant}.${entity.toString(16)}` as EntityGuid
        const lag = present.get(writer)
        const detail = seq === closedSeq ? closedDetail(lag) : this.#numberDetail(writer, seq, lag)
        if (detail === undefined) continue
        const presence = participants.has(participant) ? '' : ', and the owner is not known here'
        unmet.push({ participant, detail: `writer ${entityOf(writer).toString(16)}: ${detail}${presence}` })
      }
    }
    return unmet
  }

  #numberDetail(writer: EntityGuid, seq: Seq, lag: WriterLag | undefined): string | undefined {
    const has = this.get(writer)
    if (has < seq) return `change ${seq} is required, ${has} have been applied`
    const isRefreshing = lag !== undefined && lag.lagSamples === 0 && lag.catchUpState !== 'fresh'
    return isRefreshing ? 'its values are being received again' : undefined
  }

  #vectorNow(): ViewVector {
    for (const { guid, progress } of this.#moved) this.#vector.raise(guid, progress.appliedSeq)
    this.#moved.clear()
    return this.#vector
  }
}

function closedDetail(lag: WriterLag | undefined): string | undefined {
  return lag === undefined ? undefined : 'it has closed, which is not known here'
}
