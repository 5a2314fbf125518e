import { CatchUpState } from '../../cache/writer-progress.js'
import type { Guid } from '../../core/ids.js'
import { Freshness } from './freshness.js'
import type { OwnerLag, OwnerRef } from './owner-lag.js'
import type { AskedFreshness } from './read-options.js'
import { type MissingOwner, MissingReason } from './read-witness.js'

/** Why a read is refused. */
export const RefusalReason = {
  /** No node is known: nothing can be claimed. */
  noOwner: 'no-owner',
  /** More changes are missing than the read allows. */
  lag: 'lag',
  /** Something is older than the read allows. */
  age: 'age',
  /** An owner is in `bootstrap-required`, `recovering` or `unavailable`. */
  catchUp: 'catch-up',
  /** An owner is missing, or a node is not served. */
  missing: 'missing',
  /** An owner did not answer the fence. */
  silent: 'silent',
  /** The copy has not reached what an owner answered. */
  behind: 'behind',
  /** The copy has not reached the required token. */
  token: 'token',
} as const
export type RefusalReason = (typeof RefusalReason)[keyof typeof RefusalReason]

export interface ReadRefusal {
  readonly reason: RefusalReason
  /** Null where no participant is known. */
  readonly owner: OwnerRef | null
  /** For people to read. */
  readonly detail: string
}

/** What decides whether a read can be served without asking the owners. */
export interface ReadFacts {
  readonly nodes: number
  readonly owners: readonly OwnerLag[]
  readonly missing: readonly MissingOwner[]
  /** The age of the oldest report that the answer rests on; null when there is none. */
  readonly reportAgeMs: number | null
}

/** Returns why the facts do not meet what was asked; nothing when they do. Pure. */
export function refusalsOf(asked: AskedFreshness, facts: ReadFacts): ReadRefusal[] {
  const { freshness, maxAgeMs } = asked
  if (freshness === Freshness.bestEffort) return []
  if (facts.nodes === 0) return [refuse(RefusalReason.noOwner, null, 'no node is known')]
  const refusals = facts.missing.flatMap((missing) => refusalOfMissing(missing, freshness))
  if (freshness === Freshness.bounded) refusals.push(...refusalsOfOwners(asked, facts.owners))
  if (facts.reportAgeMs !== null && facts.reportAgeMs > maxAgeMs) {
    const detail = `the oldest report is ${Math.round(facts.reportAgeMs)} ms old, ${maxAgeMs} ms are allowed`
    refusals.push(refuse(RefusalReason.age, null, detail))
  }
  return refusals
}

/** Returns the owners that the refusals name, each once. */
export function refusedOwners(refusals: readonly ReadRefusal[]): OwnerRef[] {
  const owners = new Map<Guid, OwnerRef>()
  for (const { owner } of refusals) if (owner !== null) owners.set(owner.participant, owner)
  return [...owners.values()]
}

export function refuse(reason: RefusalReason, owner: OwnerRef | null, detail: string): ReadRefusal {
  return { reason, owner, detail }
}

/** Returns what people call the owner. */
export function ownerText({ name, participant, host, pid }: OwnerRef): string {
  if (host === '') return participant
  return `${name === '' ? participant : name} (pid ${pid} on ${host})`
}

function refusalsOfOwners({ maxLagSamples, maxAgeMs }: AskedFreshness, owners: readonly OwnerLag[]): ReadRefusal[] {
  const refusals: ReadRefusal[] = []
  let lagSamples = 0
  for (const owner of owners) {
    const { catchUpState, ageMs } = owner
    lagSamples += owner.lagSamples
    if (catchUpState !== CatchUpState.fresh && catchUpState !== CatchUpState.lagging) {
      refusals.push(refuse(RefusalReason.catchUp, owner, `${ownerText(owner)} is ${catchUpState}`))
    } else if (ageMs === null || ageMs > maxAgeMs) {
      const since = ageMs === null ? 'never' : `${Math.round(ageMs)} ms ago`
      const detail = `the copy of ${ownerText(owner)} was last complete ${since}, ${maxAgeMs} ms are allowed`
      refusals.push(refuse(RefusalReason.age, owner, detail))
    }
  }
  if (lagSamples <= maxLagSamples) return refusals
  for (const owner of owners) {
    if (owner.lagSamples === 0) continue
    const detail = `${owner.lagSamples} changes of ${ownerText(owner)} are missing, ${maxLagSamples} in all are allowed`
    refusals.push(refuse(RefusalReason.lag, owner, detail))
  }
  return refusals
}

/** A lost owner has been replaced where its node is served: only a strong read depends on it. */
function refusalOfMissing({ reason, owner, node, forMs }: MissingOwner, freshness: Freshness): ReadRefusal[] {
  if (reason === MissingReason.lost && freshness !== Freshness.strong) return []
  // The owner itself is refused for its state, or asked.
  if (reason === MissingReason.unavailable) return []
  const place = node === null ? '' : `${node.host}/${node.numaNode}`
  const seconds = Math.round(forMs / 1_000)
  const texts: Record<MissingReason, string> = {
    unavailable: '',
    'not-served': `nothing serves ${place}, for ${seconds} s`,
    lost: `${owner === null ? place : ownerText(owner)} fell silent ${seconds} s ago, and may be running`,
    'not-received': `others have received from ${place}, this view has not`,
  }
  return [refuse(RefusalReason.missing, owner, texts[reason])]
}
