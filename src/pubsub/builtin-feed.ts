import { countFailure } from '../core/count-failure.js'
import type { Counters } from '../core/counters.js'
import { entityGuid, type Guid } from '../core/ids.js'
import { Liveliness, type Verdict } from '../liveliness/verdict.js'
import type { Descriptor } from '../wire/descriptor.js'
import { builtinTopics, type ParticipantRow, type ReaderRow, type WriterRow } from './model/builtin-topics.js'
import type { Topic } from './model/topic.js'
import type { RemotePeer } from './peer/remote-peer.js'
import type { Writer } from './writer/writer.js'

export interface BuiltinFeedComponents {
  readonly counters: Counters
  /** A writer that feeds this participant's own readers and is announced to nobody. */
  readonly open: <T extends object>(topic: Topic<T>) => Writer<T>
  readonly own: () => { readonly descriptor: Descriptor; readonly verdict: Verdict }
  readonly peers: () => Iterable<RemotePeer>
}

interface Row {
  readonly writer: Writer<object>
  readonly row: { readonly guid: string }
  /** What was written, as JSON: what is the same is not written again. Empty: it has been given up. */
  readonly text: string
}

interface Writers {
  readonly participants: Writer<object>
  readonly writers: Writer<object>
  readonly readers: Writer<object>
}

/** Writes the built-in topics from the descriptors that this participant holds, while somebody here reads them. */
export class BuiltinFeed {
  readonly #components: BuiltinFeedComponents
  readonly #rows = new Map<Guid, Map<string, Row>>()
  #readers = 0
  #writers: Writers | undefined

  constructor(components: BuiltinFeedComponents) {
    this.#components = components
  }

  /** A reader of a built-in topic has been made. */
  opened(): void {
    if (this.#readers++ > 0) {
      this.look()
      return
    }
    const { open, peers } = this.#components
    this.#writers = {
      participants: untyped(open(builtinTopics.participants)),
      writers: untyped(open(builtinTopics.writers)),
      readers: untyped(open(builtinTopics.readers)),
    }
    this.look()
    for (const peer of peers()) this.follow(peer)
  }

  closed(): void {
    if (--this.#readers > 0) return
    const writers = this.#writers
    this.#writers = undefined
    this.#rows.clear()
    for (const writer of Object.values(writers ?? {})) writer.close()
  }

  /** Whether this participant itself has changed; to be called a few times a second. */
  look(): void {
    if (this.#writers === undefined) return
    const { descriptor, verdict } = this.#components.own()
    this.#show(descriptor, verdict, this.#writers)
  }

  /** The peer's descriptor, or the verdict on it, is new. */
  follow({ descriptor, monitor }: RemotePeer): void {
    if (this.#writers === undefined || descriptor === undefined) return
    this.#show(descriptor, monitor.verdict, this.#writers)
  }

  /** The peer has left, or is forgotten. */
  forget({ guid }: RemotePeer): void {
    for (const row of this.#rows.get(guid)?.values() ?? []) this.#end(row)
    this.#rows.delete(guid)
  }

  #show(descriptor: Descriptor, verdict: Verdict, writers: Writers): void {
    const { guid } = descriptor
    const before = this.#rows.get(guid) ?? new Map<string, Row>()
    const now = new Map<string, Row>()
    this.#rows.set(guid, now)
    // What it says of itself holds, as far as is known; there is nobody who still says it.
    const isLost = verdict.liveliness === Liveliness.unreachable
    for (const [writer, row] of rowsOf(descriptor, verdict, writers)) {
      const text = isLost ? '' : JSON.stringify(row)
      now.set(row.guid, { writer, row, text })
      if (before.get(row.guid)?.text === text) continue
      this.#publish(() => (isLost ? writer.unregister(row.guid) : writer.write(row)))
    }
    for (const [key, row] of before) if (!now.has(key)) this.#end(row)
  }

  /** Only what is alive can be disposed, so what was given up is said once more first; nobody sees that. */
  #end({ writer, row, text }: Row): void {
    this.#publish(() => {
      if (text === '') writer.write(row)
      writer.dispose(row.guid)
    })
  }

  /** What the writer refuses (a descriptor may hold more than a value may) is counted. */
  #publish(write: () => unknown): void {
    countFailure(this.#components.counters, 'builtin.publish-failed', write)
  }
}

function* rowsOf(
  descriptor: Descriptor,
  { liveliness, cause }: Verdict,
  { participants, writers, readers }: Writers,
): Iterable<[Writer<object>, { readonly guid: string }]> {
  const { guid, name, identity, incarnation, properties, requestEndpoints } = descriptor
  const { host, bootId, pid } = identity
  const row: ParticipantRow = {
    guid,
    name,
    host,
    bootId,
    pid,
    incarnation,
    properties,
    endpoints: requestEndpoints,
    liveliness,
    cause,
    writers: descriptor.writers.length,
    readers: descriptor.readers.length,
  }
  yield [participants, row]
  for (const { entity, ...info } of descriptor.writers) {
    const writer: WriterRow = { guid: entityGuid(guid, entity), participant: guid, ...info }
    yield [writers, writer]
  }
  for (const { entity, ...info } of descriptor.readers) {
    const reader: ReaderRow = { guid: entityGuid(guid, entity), participant: guid, ...info }
    yield [readers, reader]
  }
}

function untyped<T extends object>(writer: Writer<T>): Writer<object> {
  return writer as unknown as Writer<object>
}
