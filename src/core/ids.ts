import { randomHex } from './random-hex.js'

/** 16 random bytes as 32 lower-case hex digits: one participant, one joining. */
export type Guid = string & { readonly __brand: 'Guid' }

/** Names a writer or a reader inside its participant: 1 … 2³²−1. 0 is the participant itself. */
export type EntityId = number & { readonly __brand: 'EntityId' }

/** `<participant guid>.<entity id in hex>`: a writer or a reader, unique everywhere. */
export type EntityGuid = string & { readonly __brand: 'EntityGuid' }

/** A writer's change number, from 1. Exact in a double: 2⁵³ changes at a million a second are 285 years. */
export type Seq = number

/** The whole of "how far": a writer and the number of one of its changes. */
export interface Token {
  readonly writer: EntityGuid
  readonly seq: Seq
}

export const guidBytes = 16

export function newGuid(): Guid {
  return randomHex(guidBytes) as Guid
}

export function isGuid(text: unknown): text is Guid {
  return typeof text === 'string' && /^[0-9a-f]{32}$/.test(text)
}

export function entityGuid(participant: Guid, entity: EntityId): EntityGuid {
  return `${participant}.${entity.toString(16)}` as EntityGuid
}

export function participantOf(entity: EntityGuid): Guid {
  return entity.slice(0, guidBytes * 2) as Guid
}
