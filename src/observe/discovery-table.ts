import type { ParticipantRow, ReaderRow, WriterRow } from '../pubsub/model/builtin-topics.js'
import { announcedWriterQos } from '../qos/announced.js'
import { defaultQos } from '../qos/qos.js'
import { tableLines } from './table.js'

/** Everything that is known of a domain. */
export interface DiscoveryDocument {
  readonly domain: number
  readonly participants: readonly ParticipantRow[]
  readonly writers: readonly WriterRow[]
  readonly readers: readonly ReaderRow[]
}

export interface DiscoveryTableOptions {
  /** Whether to show every policy, and not only what differs from the defaults. @default false */
  readonly verbose?: boolean
}

/** An order that does not depend on which participant answered first: participants by name, host, pid; what they write and read by topic. */
export function inOrder({ domain, participants, writers, readers }: DiscoveryDocument): DiscoveryDocument {
  const ordered = participants.toSorted(
    (one, other) =>
      compare(one.name, other.name) ||
      compare(one.host, other.host) ||
      one.pid - other.pid ||
      compare(one.guid, other.guid),
  )
  const rank = new Map(ordered.map(({ guid }, index) => [guid, index]))
  const byTopic = (one: WriterRow | ReaderRow, other: WriterRow | ReaderRow): number =>
    compare(one.topic, other.topic) ||
    (rank.get(one.participant) ?? rank.size) - (rank.get(other.participant) ?? rank.size) ||
    compare(one.guid, other.guid)
  return { domain, participants: ordered, writers: writers.toSorted(byTopic), readers: readers.toSorted(byTopic) }
}

/** The participants of the domain and what they write and read, for a person. */
export function discoveryLines(document: DiscoveryDocument, { verbose = false }: DiscoveryTableOptions = {}): string[] {
  const { domain, participants, writers, readers } = inOrder(document)
  const qosText = verbose ? wholeQosText : ownQosText
  const names = new Map(participants.map(({ guid, name }) => [guid, name]))
  const nameOf = (participant: string): string => names.get(participant) ?? participant.slice(0, 8)
  const endpoints = [
    ...writers.map((row) => ['writes', row.topic, ...place(row, nameOf), qosText(row.qos)]),
    ...readers.map((row) => ['reads', row.topic, ...place(row, nameOf), qosText(row.qos)]),
  ].sort((one, other) => compare(one[1], other[1]) || compare(other[0], one[0]) || compare(one[3], other[3]))
  return [
    `domain ${domain}: ${counted(participants, 'participant')}, ${counted(writers, 'writer')}, ${counted(readers, 'reader')}`,
    '',
    ...tableLines(
      ['PARTICIPANT', 'GUID', 'HOST', 'PID', 'LIVELINESS', 'WRITERS', 'READERS', 'ENDPOINT'],
      participants.map((row) => [
        row.name,
        row.guid.slice(0, 8),
        row.host,
        String(row.pid),
        row.cause === null ? row.liveliness : `${row.liveliness} (${row.cause})`,
        String(row.writers),
        String(row.readers),
        row.endpoints[0] ?? '',
      ]),
    ),
    ...(endpoints.length === 0
      ? []
      : ['', ...tableLines(['', 'TOPIC', 'PARTITION', 'PARTICIPANT', 'GUID', 'QOS'], endpoints)]),
  ]
}

function place(
  { partitions, participant }: Pick<WriterRow, 'partitions' | 'participant'>,
  nameOf: (participant: string) => string,
): string[] {
  return [partitions.join(', '), nameOf(participant), participant.slice(0, 8)]
}

/** A policy that is on or off by its name, another with its value; a null one is left out. */
function wholeQosText(qos: Readonly<Record<string, unknown>>): string {
  return Object.entries(qos)
    .filter(([, value]) => value !== null)
    .map(([policy, value]) => (typeof value === 'string' ? value : `${policy} ${String(value)}`))
    .join(', ')
}

const defaults: Readonly<Record<string, unknown>> = { ...announcedWriterQos(defaultQos) }

function ownQosText(qos: Readonly<Record<string, unknown>>): string {
  const own = Object.entries(qos).filter(([policy, value]) => value !== defaults[policy])
  return own.length === 0 ? 'defaults' : wholeQosText(Object.fromEntries(own))
}

function counted(items: readonly unknown[], what: string): string {
  return `${items.length} ${what}${items.length === 1 ? '' : 's'}`
}

function compare(one = '', other = ''): number {
  return one < other ? -1 : one > other ? 1 : 0
}
