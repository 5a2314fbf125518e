import type { Liveliness, LivelinessCause } from '../../liveliness/verdict.js'
import type { Properties, ReaderInfo, WriterInfo } from '../../wire/descriptor.js'
import { defineTopic, type Topic } from './topic.js'

/** A participant of the domain, as its descriptor and the observer's verdict show it. */
export interface ParticipantRow {
  /** 32 hex digits, chosen at each joining. */
  readonly guid: string
  readonly name: string
  readonly host: string
  readonly bootId: string
  readonly pid: number
  /** Unix milliseconds at joining. */
  readonly incarnation: number
  readonly properties: Properties
  /** Where it answers requests, best first. */
  readonly endpoints: readonly string[]
  readonly liveliness: Liveliness
  readonly cause: LivelinessCause | null
  /** How many writers and readers it has. */
  readonly writers: number
  readonly readers: number
}

export interface EndpointRow {
  /** `<participant GUID>.<entity id in hex>`. */
  readonly guid: string
  readonly participant: string
  readonly topic: string
  readonly typeHash: string
  readonly partitions: readonly string[]
}

export interface WriterRow extends EndpointRow {
  /** What it offers. */
  readonly qos: WriterInfo['qos']
  readonly fields: readonly string[]
  readonly lane: WriterInfo['lane']
}

export interface ReaderRow extends EndpointRow {
  /** What it requests. */
  readonly qos: ReaderInfo['qos']
}

const endpointFields = ['guid', 'participant', 'topic', 'typeHash', 'partitions', 'qos'] as const

/**
 * List the domain: every participant and all their writers and readers, including the reading participant's own. They
 * are read like any other topic, without a partition, and cannot be written:
 *
 *     const writers = participant.reader(builtinTopics.writers)
 *     await writers.synced()
 *
 * A row is disposed when the participant, writer or reader has closed, left or died. While its participant is
 * unreachable it has no writers. Participants announce these facts only while a participant reads one of the topics.
 */
export const builtinTopics = Object.freeze({
  participants: defineTopic<ParticipantRow>({
    name: 'numacast.participants',
    key: 'guid',
    fields: [
      ...(['guid', 'name', 'host', 'bootId', 'pid', 'incarnation', 'properties', 'endpoints'] as const),
      ...(['liveliness', 'cause', 'writers', 'readers'] as const),
    ],
  }),
  writers: defineTopic<WriterRow>({
    name: 'numacast.writers',
    key: 'guid',
    fields: [...endpointFields, 'fields', 'lane'],
  }),
  readers: defineTopic<ReaderRow>({ name: 'numacast.readers', key: 'guid', fields: [...endpointFields] }),
})

const all = new Set<unknown>(Object.values(builtinTopics))

export function isBuiltin<T>(topic: Topic<T>): boolean {
  return all.has(topic)
}
