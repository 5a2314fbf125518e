import type { EntityGuid, Seq } from '../../core/ids.js'

/** Follows a writer's readers; `UnacknowledgedChanges` does. */
export interface ReaderAcknowledgmentsListener {
  /** A reader has joined (`isMatched`) or left. */
  onChange(reader: EntityGuid, isMatched: boolean): void
  /** A reader has acknowledged more, or is no longer waited for. */
  onProgress(): void
}

interface Member {
  readonly isReliable: boolean
  /** The reader has applied every change up to this number, by its last report. */
  acknowledgedSeq: Seq
  /** When its last report arrived. */
  reportedMs: number
}

/** Holds the readers that one writer feeds, local and remote, and what each has acknowledged. */
export class ReaderAcknowledgments {
  readonly #listener: ReaderAcknowledgmentsListener
  readonly #members = new Map<EntityGuid, Member>()
  #totalCount = 0

  constructor(listener: ReaderAcknowledgmentsListener) {
    this.#listener = listener
  }

  /** Readers now. */
  get size(): number {
    return this.#members.size
  }
  /** Readers ever. */
  get totalCount(): number {
    return this.#totalCount
  }
  readers(): IterableIterator<EntityGuid> {
    return this.#members.keys()
  }

  /** @param acknowledgedSeq the reader is not due the changes up to this number */
  join(reader: EntityGuid, isReliable: boolean, acknowledgedSeq: Seq, nowMs: number): void {
    if (this.#members.has(reader)) return
    this.#members.set(reader, { isReliable, acknowledgedSeq, reportedMs: nowMs })
    this.#totalCount++
    this.#listener.onChange(reader, true)
  }

  leave(reader: EntityGuid): void {
    if (!this.#members.delete(reader)) return
    this.#listener.onChange(reader, false)
    this.#listener.onProgress()
  }

  acknowledged(reader: EntityGuid, seq: Seq, nowMs: number): void {
    const member = this.#members.get(reader)
    if (member === undefined) return
    member.reportedMs = nowMs
    if (seq <= member.acknowledgedSeq) return
    member.acknowledgedSeq = seq
    if (member.isReliable) this.#listener.onProgress()
  }

  /** Returns the number up to which every reliable reader has all changes; infinite when there is none. */
  acknowledgedSeq(): Seq {
    let least = Number.POSITIVE_INFINITY
    for (const { isReliable, acknowledgedSeq } of this.#members.values()) {
      if (isReliable && acknowledgedSeq < least) least = acknowledgedSeq
    }
    return least
  }

  /** Returns reliable readers that lack changes up to `seq` and sent no report since `reportedBeforeMs`. */
  silent(seq: Seq, reportedBeforeMs: number): EntityGuid[] {
    return [...this.#members].flatMap(([reader, member]) =>
      member.isReliable && member.acknowledgedSeq < seq && member.reportedMs < reportedBeforeMs ? [reader] : [],
    )
  }
}
