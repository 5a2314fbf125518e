import { type EntityGuid, type EntityId, type Guid, participantOf, type Seq, type Token } from '../../core/ids.js'
import { closedSeq, ended, entityOf, segmentOf, textOf, type ViewToken } from './view-token.js'

interface Owner {
  readonly writers: Map<EntityId, Seq>
  /** Its closed writers, in the order in which they closed. */
  readonly closed: Set<EntityId>
  isEnded: boolean
  /** Its part of the text; undefined after a change. */
  segment: string | undefined
}

/** Closed writers of one participant that are remembered; the oldest are forgotten first. */
export const maxClosedWriters = 64
/** Ended participants that are remembered; the oldest are forgotten first. */
export const maxEndedOwners = 256

/**
 * The position of one copy, which only rises: the last number of each writer, and the participants that have ended. Its
 * text costs only what has changed since it was last made.
 */
export class ViewVector {
  readonly #owners = new Map<Guid, Owner>()
  /** In the order in which they ended. */
  readonly #ended = new Set<Guid>()
  #order: readonly Guid[] | undefined
  #text: string | undefined

  /** Returns the last number, also of a writer that has closed or whose participant has ended. */
  get(writer: EntityGuid): Seq {
    return this.#owners.get(participantOf(writer))?.writers.get(entityOf(writer)) ?? 0
  }

  /** Whether it has ever included anything of the participant. */
  knows(participant: Guid): boolean {
    return this.#owners.has(participant)
  }

  hasEnded(participant: Guid): boolean {
    return this.#ended.has(participant)
  }

  /** Returns true when that is more than before. */
  raise(writer: EntityGuid, seq: Seq): boolean {
    if (seq === 0) return false
    const guid = participantOf(writer)
    const entity = entityOf(writer)
    const owner = this.#owners.get(guid) ?? this.#add(guid)
    if (seq <= (owner.writers.get(entity) ?? 0)) return false
    owner.writers.set(entity, seq)
    this.#changed(owner)
    return true
  }

  /** The writer has closed: no later change of it comes. */
  close(writer: EntityGuid): void {
    const owner = this.#owners.get(participantOf(writer))
    const entity = entityOf(writer)
    if (owner === undefined || !owner.writers.has(entity) || owner.closed.has(entity)) return
    owner.closed.add(entity)
    this.#changed(owner)
    const [oldest] = owner.closed
    if (owner.closed.size <= maxClosedWriters || oldest === undefined) return
    owner.closed.delete(oldest)
    owner.writers.delete(oldest)
  }

  /** The participant has ended: no later change of it comes. */
  end(participant: Guid): void {
    const owner = this.#owners.get(participant)
    if (owner === undefined || owner.isEnded) return
    owner.isEnded = true
    this.#ended.add(participant)
    this.#changed(owner)
    const [oldest] = this.#ended
    if (this.#ended.size > maxEndedOwners && oldest !== undefined) this.#removeOwner(oldest)
  }

  /** The participant was taken for ended, and is there. */
  revive(participant: Guid): void {
    const owner = this.#owners.get(participant)
    if (owner === undefined || !owner.isEnded) return
    owner.isEnded = false
    this.#ended.delete(participant)
    this.#changed(owner)
  }

  /** Whether the token includes everything that this position includes. */
  isWithin(token: ViewToken): boolean {
    for (const [guid, owner] of this.#owners) {
      const included = token.owners.get(guid)
      if (included === ended) continue
      if (owner.isEnded) return false
      for (const [entity, seq] of includedOf(owner)) if (seq > (included?.get(entity) ?? 0)) return false
    }
    return true
  }

  /** Returns the text of the token of this position. */
  toString(): string {
    this.#order ??= [...this.#owners.keys()].sort()
    this.#text ??= textOf(this.#order.map((guid) => this.#segment(guid)))
    return this.#text
  }

  /** Returns the text of the token that also includes these changes. */
  textWith(changes: Iterable<Token>): string {
    const raised = new Map<Guid, Map<EntityId, Seq>>()
    for (const { writer, seq } of changes) {
      const guid = participantOf(writer)
      const owner = this.#owners.get(guid)
      if (seq <= this.get(writer) || owner?.isEnded === true || owner?.closed.has(entityOf(writer)) === true) continue
      const writers = raised.get(guid) ?? (owner === undefined ? new Map<EntityId, Seq>() : includedOf(owner))
      raised.set(guid, writers.set(entityOf(writer), seq))
    }
    if (raised.size === 0) return this.toString()
    const guids = [...new Set([...this.#owners.keys(), ...raised.keys()])].sort()
    return textOf(
      guids.map((guid) => {
        const writers = raised.get(guid)
        return writers === undefined ? this.#segment(guid) : segmentOf(guid, writers)
      }),
    )
  }

  #segment(guid: Guid): string {
    const owner = this.#owners.get(guid)
    if (owner === undefined) return ''
    owner.segment ??= segmentOf(guid, owner.isEnded ? ended : includedOf(owner))
    return owner.segment
  }

  #add(guid: Guid): Owner {
    const owner: Owner = { writers: new Map(), closed: new Set(), isEnded: false, segment: undefined }
    this.#owners.set(guid, owner)
    this.#order = undefined
    return owner
  }

  #removeOwner(guid: Guid): void {
    this.#owners.delete(guid)
    this.#ended.delete(guid)
    this.#order = undefined
    this.#text = undefined
  }

  #changed(owner: Owner): void {
    owner.segment = undefined
    this.#text = undefined
  }
}

function includedOf({ writers, closed }: Owner): Map<EntityId, Seq> {
  return new Map([...writers].map(([entity, seq]) => [entity, closed.has(entity) ? closedSeq : seq]))
}
