import type { Taint } from '../../plane/vocabulary/taint.js'
import type { WorkerProfile } from './worker-row.js'

/** Names of the entries of a snapshot's index. The first letter keeps the kinds apart. */
export const term = {
  capability: (capability: string): string => `c${capability}`,
  tag: (tag: string): string => `t${tag}`,
  /** Every tag `key=…`. */
  tagKey: (key: string): string => `k${key}`,
  label: (key: string, value: string): string => `l${key.length}:${key}${value}`,
  labelKey: (key: string): string => `L${key}`,
  queue: (queue: string): string => `q${queue}`,
  /** Workers that take from any queue. */
  anyQueue: 'Q',
  resident: (resident: string): string => `r${resident}`,
  shard: (shard: string): string => `s${shard}`,
  /** An intent prefers the shard there; the row tells whether it still holds. */
  preferredShard: (shard: string): string => `p${shard}`,
  host: (bootId: string): string => `h${bootId}`,
  /** A NUMA node of a host, as an intent names it. */
  zone: (target: string): string => `n${target}`,
} as const

export function profileTerms(profile: WorkerProfile): string[] {
  const terms = [
    ...profile.capabilities.map(term.capability),
    ...profile.residents.map(term.resident),
    ...profile.shards.map(term.shard),
    ...(profile.queues.length === 0 ? [term.anyQueue] : profile.queues.map(term.queue)),
  ]
  for (const tag of profile.tags) {
    terms.push(term.tag(tag))
    const end = tag.indexOf('=')
    if (end >= 0) terms.push(term.tagKey(tag.slice(0, end)))
  }
  for (const [key, value] of Object.entries(profile.labels)) terms.push(term.label(key, value), term.labelKey(key))
  return terms
}

/** Names a taint as a whole: its effect, key and value. */
export function taintKey({ effect, key, value }: Taint): string {
  return `${effect} ${key.length}:${key}${value}`
}
