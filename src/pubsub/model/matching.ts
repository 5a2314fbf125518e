import { type IncompatiblePolicy, incompatiblePolicies } from '../../qos/match.js'
import type { ReaderInfo, WriterInfo } from '../../wire/descriptor.js'

/** Whether a writer's samples are for a reader, and if not, why not. Both sides compute it alike. */
export type MatchResult =
  | { readonly kind: 'match' }
  /** Another topic, or no common partition: nothing to report. */
  | { readonly kind: 'unrelated' }
  /** Same topic name, other key fields. */
  | { readonly kind: 'inconsistent-topic' }
  | { readonly kind: 'incompatible-qos'; readonly policies: readonly IncompatiblePolicy[] }

type WriterSide = Pick<WriterInfo, 'topic' | 'typeHash' | 'partitions' | 'qos'>

export function matchEndpoints(writer: WriterSide, reader: ReaderInfo): MatchResult {
  if (writer.topic !== reader.topic) return { kind: 'unrelated' }
  if (!writer.partitions.some((name) => reader.partitions.includes(name))) return { kind: 'unrelated' }
  if (writer.typeHash !== reader.typeHash) return { kind: 'inconsistent-topic' }
  const policies = incompatiblePolicies(writer.qos, reader.qos)
  return policies.length === 0 ? { kind: 'match' } : { kind: 'incompatible-qos', policies }
}
