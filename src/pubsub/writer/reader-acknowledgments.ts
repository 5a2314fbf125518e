import type { EntityGuid, Seq } from '../../core/ids.js'

export interface ReaderAcknowledgmentsComponents {
  /** A reader has come (`isMatched`) or gone. */
  readonly onChange: (reader: EntityGuid, isMatched: boolean) => void
  /** Some reader has more than before, or is not waited for any more. */
  readonly onProgress: () => void
}

interface Member {
  readonly isReliable: boolean
  /** Everything up to here is applied, as it said last. */
  acknowledgedSeq: Seq
  /** When it last said anything. */
  heardMs: number
}

/** The readers that one writer feeds, of this participant and of others, and how far each says it is. */
export class ReaderAcknowledgments {
  readonly #components: ReaderAcknowledgmentsComponents
  readonly #members = new Map<EntityGuid, Member>()
  #totalCount = 0

  constructor(components: ReaderAcknowledgmentsComponents) {
    this.#components = components
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

  /** @param acknowledgedSeq what is numbered up to here is not its due */
  join(reader: EntityGuid, isReliable: boolean, acknowledgedSeq: Seq, nowMs: number): void {
    if (this.#members.has(reader)) return
    this.#members.set(reader, { isReliable, acknowledgedSeq, heardMs: nowMs })
    this.#totalCount++
    this.#components.onChange(reader, true)
  }

  leave(reader: EntityGuid): void {
    if (!this.#members.delete(reader)) return
    this.#components.onChange(reader, false)
    this.#components.onProgress()
  }

  acknowledged(reader: EntityGuid, seq: Seq, nowMs: number): void {
    const member = this.#members.get(reader)
    if (member === undefined) return
    member.heardMs = nowMs
    if (seq <= member.acknowledgedSeq) return
    member.acknowledgedSeq = seq
    if (member.isReliable) this.#components.onProgress()
  }

  /** What every reliable reader has; infinite when there is none. */
  acknowledgedSeq(): Seq {
    let least = Number.POSITIVE_INFINITY
    for (const { isReliable, acknowledgedSeq } of this.#members.values()) {
      if (isReliable && acknowledgedSeq < least) least = acknowledgedSeq
    }
    return least
  }

  /** Reliable readers that lack something up to `seq` and have said nothing since `heardBeforeMs`. */
  silent(seq: Seq, heardBeforeMs: number): EntityGuid[] {
    return [...this.#members].flatMap(([reader, member]) =>
      member.isReliable && member.acknowledgedSeq < seq && member.heardMs < heardBeforeMs ? [reader] : [],
    )
  }
}
