import { type IncompatiblePolicy, incompatiblePolicies } from '../../qos/match.js'
import type { ReaderInfo, WriterInfo } from '../../wire/descriptor.js'
import { defaultSampleBytes } from './topic.js'

/** Whether a writer's samples are for a reader, and if not, why not. Both sides reach the same result. */
export type MatchResult =
  | {
      readonly kind: 'match'
      /** The writer may send values that the reader refuses as too large. */
      readonly limits?: SampleLimits
    }
  /** Another topic, or no common partition: nothing to report. */
  | { readonly kind: 'unrelated' }
  /** Same topic name, other key fields. */
  | { readonly kind: 'inconsistent-topic' }
  | { readonly kind: 'incompatible-qos'; readonly policies: readonly IncompatiblePolicy[] }

/** The longest values of a pair, in bytes. */
export interface SampleLimits {
  readonly writerBytes: number
  readonly readerBytes: number
}

type WriterSide = Pick<WriterInfo, 'topic' | 'typeHash' | 'partitions' | 'qos' | 'maxSampleBytes'>

export function matchEndpoints(writer: WriterSide, reader: ReaderInfo): MatchResult {
  if (writer.topic !== reader.topic) return { kind: 'unrelated' }
  if (!writer.partitions.some((name) => reader.partitions.includes(name))) return { kind: 'unrelated' }
  if (writer.typeHash !== reader.typeHash) return { kind: 'inconsistent-topic' }
  const policies = incompatiblePolicies(writer.qos, reader.qos)
  if (policies.length > 0) return { kind: 'incompatible-qos', policies }
  const writerBytes = writer.maxSampleBytes ?? defaultSampleBytes
  const readerBytes = reader.maxSampleBytes ?? defaultSampleBytes
  return writerBytes > readerBytes ? { kind: 'match', limits: { writerBytes, readerBytes } } : { kind: 'match' }
}
