import { invalidArgument } from '../../core/errors.js'
import {
  type EntityGuid,
  type EntityId,
  type Guid,
  isGuid,
  participantOf,
  type Seq,
  type Token,
} from '../../core/ids.js'

/** How one view token stands to another. */
export const TokenOrder = {
  /** The other includes everything that it includes, and more. */
  before: 'before',
  equal: 'equal',
  after: 'after',
  /** Each includes something that the other lacks. */
  concurrent: 'concurrent',
} as const
export type TokenOrder = (typeof TokenOrder)[keyof typeof TokenOrder]

/** A participant has ended: no later change of it comes. Compares after every number. */
export const ended = 'ended'

/** In the place of a writer's number: the writer has closed. Compares after every number. */
export const closedSeq = Number.POSITIVE_INFINITY

/** What a token includes of one participant: every change of a writer up to its number, or all there will ever be. */
export type Included = ReadonlyMap<EntityId, Seq> | typeof ended

/** Participants that a token may name. A view has at most 16,384 peers. */
export const maxTokenOwners = 20_000
/** Characters of a token's text. */
export const maxTokenLength = 8 * 1024 * 1024
const prefix = 'v1'

/**
 * What a copy includes of all its owners: a version vector. For each participant it has the last number per writer of
 * which the copy has applied everything. Never changes. Its text is canonical: equal tokens have equal texts.
 *
 *     v1;<participant guid>:<writer, hex>.<number>,…;<participant guid>!
 *
 * Participants are in ascending order of their GUIDs, writers in ascending order. `!` marks a participant that has ended,
 * and in the place of a number a writer that has closed.
 */
export class ViewToken {
  /** By participant, in ascending order. */
  readonly owners: ReadonlyMap<Guid, Included>

  /** @param owners in ascending order; without empty maps and without zeros */
  private constructor(owners: ReadonlyMap<Guid, Included>) {
    this.owners = owners
  }

  static readonly empty = new ViewToken(new Map())

  /** Returns the least token that includes the changes. */
  static of(...changes: readonly Token[]): ViewToken {
    const owners = new Map<Guid, Map<EntityId, Seq>>()
    for (const { writer, seq } of changes) {
      if (seq === 0) continue
      const guid = participantOf(writer)
      const writers = owners.get(guid) ?? new Map<EntityId, Seq>()
      const entity = entityOf(writer)
      owners.set(guid, writers.set(entity, Math.max(seq, writers.get(entity) ?? 0)))
    }
    return ViewToken.#sorted(owners)
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the place in the text */
  static parse(text: string): ViewToken {
    if (typeof text !== 'string') throw invalidArgument(`a view token is a text, not ${typeof text}`)
    if (text.length > maxTokenLength) throw malformed(text, `is longer than ${maxTokenLength} characters`)
    const [head, ...parts] = text.split(';')
    if (head !== prefix) throw malformed(text, `does not begin with '${prefix}'`)
    if (parts.length > maxTokenOwners) throw malformed(text, `names more than ${maxTokenOwners} participants`)
    const owners = new Map<Guid, Included>()
    let before = ''
    for (const part of parts) {
      const guid = part.slice(0, 32)
      if (!isGuid(guid)) throw malformed(part, 'does not begin with a GUID')
      if (guid <= before) throw malformed(part, 'is out of order')
      before = guid
      owners.set(guid, includedIn(part))
    }
    return new ViewToken(owners)
  }

  static #sorted(owners: ReadonlyMap<Guid, Included>): ViewToken {
    return new ViewToken(new Map([...owners].sort(([a], [b]) => (a < b ? -1 : 1))))
  }

  /** Whether it includes the change. */
  includes(writer: EntityGuid, seq: Seq): boolean {
    const included = this.owners.get(participantOf(writer))
    return included === ended || seq <= (included?.get(entityOf(writer)) ?? 0)
  }

  compare(other: ViewToken): TokenOrder {
    const isAtMost = isWithin(this, other)
    const isAtLeast = isWithin(other, this)
    if (isAtMost) return isAtLeast ? TokenOrder.equal : TokenOrder.before
    return isAtLeast ? TokenOrder.after : TokenOrder.concurrent
  }

  /** Returns the least token that includes both. */
  merge(other: ViewToken): ViewToken {
    const owners = new Map(this.owners)
    for (const [guid, included] of other.owners) owners.set(guid, mergeIncluded(owners.get(guid), included))
    return ViewToken.#sorted(owners)
  }

  toString(): string {
    return textOf([...this.owners].map(([guid, included]) => segmentOf(guid, included)))
  }
}

/** Compares two tokens by what they include. @throws NumacastError NUMACAST_INVALID_ARGUMENT */
export function compareTokens(one: string, other: string): TokenOrder {
  return ViewToken.parse(one).compare(ViewToken.parse(other))
}

/** Returns the least token that includes all of them. @throws NumacastError NUMACAST_INVALID_ARGUMENT */
export function mergeTokens(...tokens: readonly string[]): string {
  return tokens.reduce((merged, token) => merged.merge(ViewToken.parse(token)), ViewToken.empty).toString()
}

/** Returns the token that demands these changes: what `write`, or the issuing of an intent, returned. */
export function tokenOf(...changes: readonly Token[]): string {
  return ViewToken.of(...changes).toString()
}

/** @param segments of {@link segmentOf}, in ascending order */
export function textOf(segments: readonly string[]): string {
  return [prefix, ...segments].join(';')
}

/** Returns the text of what is included of one participant. */
export function segmentOf(guid: Guid, included: Included): string {
  if (included === ended) return `${guid}!`
  const writers = [...included].sort(([a], [b]) => a - b)
  return `${guid}:${writers.map(([entity, seq]) => `${entity.toString(16)}.${seq === closedSeq ? '!' : seq}`).join(',')}`
}

export function entityOf(writer: EntityGuid): EntityId {
  return Number.parseInt(writer.slice(33), 16) as EntityId
}

function isWithin(one: ViewToken, other: ViewToken): boolean {
  for (const [guid, included] of one.owners) {
    const limit = other.owners.get(guid)
    if (limit === ended) continue
    if (limit === undefined || included === ended) return false
    for (const [entity, seq] of included) if (seq > (limit.get(entity) ?? 0)) return false
  }
  return true
}

function mergeIncluded(one: Included | undefined, other: Included): Included {
  if (one === undefined || other === ended) return other
  if (one === ended) return one
  const writers = new Map(one)
  for (const [entity, seq] of other) writers.set(entity, Math.max(seq, writers.get(entity) ?? 0))
  return writers
}

/** Accepts only the canonical text, so that equal tokens have equal texts. */
function includedIn(part: string): Included {
  if (part[32] === '!' && part.length === 33) return ended
  if (part[32] !== ':') throw malformed(part, "has neither ':' nor '!' after its GUID")
  const writers = new Map<EntityId, Seq>()
  let before = 0
  for (const entry of part.slice(33).split(',')) {
    const [, hex, decimal] = /^([1-9a-f][0-9a-f]{0,7})\.([1-9][0-9]{0,15}|!)$/.exec(entry) ?? []
    const entity = Number.parseInt(hex ?? '', 16)
    const seq = decimal === '!' ? closedSeq : Number(decimal)
    if ((seq !== closedSeq && !Number.isSafeInteger(seq)) || Number.isNaN(entity))
      throw malformed(entry, 'is no <writer, hex>.<number>')
    if (entity <= before) throw malformed(entry, 'is out of order')
    before = entity
    writers.set(entity as EntityId, seq)
  }
  return writers
}

function malformed(text: string, what: string): Error {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text
  return invalidArgument(`malformed view token: '${shown}' ${what}; pass a token as it was returned`, { text: shown })
}
