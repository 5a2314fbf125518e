import { entityGuid, type Guid } from '../core/ids.js'
import { countFailure } from '../core/reporting/count-failure.js'
import type { Counters } from '../core/reporting/counters.js'
import { aliveVerdict, Liveliness, type Verdict } from '../liveliness/verdict.js'
import type { Descriptor } from '../wire/descriptor.js'
import type { LocalEndpoints } from './endpoints/local-endpoints.js'
import type { PeerFollower } from './membership/peer-directory.js'
import { builtinTopics, type ParticipantRow, type ReaderRow, type WriterRow } from './model/builtin-topics.js'
import type { PeerRegistry } from './peer/peer-registry.js'
import type { RemotePeer } from './peer/remote-peer.js'
import type { Writer } from './writer/writer.js'
import type { WriterFactory } from './writer-factory.js'

export interface BuiltinFeedComponents {
  readonly counters: Counters
  readonly writers: WriterFactory
  readonly endpoints: LocalEndpoints
  readonly peers: PeerRegistry
}

interface Row {
  readonly writer: Writer<object>
  readonly row: { readonly guid: string }
  /** The row that was written, as JSON, so that an equal one is not written again. Empty: the row was unregistered. */
  readonly text: string
}

interface Writers {
  readonly participants: Writer<object>
  readonly writers: Writer<object>
  readonly readers: Writer<object>
}

/** Writes the built-in topics from the descriptors that this participant holds, while a local reader reads them. */
export class BuiltinFeed implements PeerFollower {
  readonly #components: BuiltinFeedComponents
  readonly #rows = new Map<Guid, Map<string, Row>>()
  readonly #ownVerdict: Verdict
  #readers = 0
  #writers: Writers | undefined

  /** @param joinedMs when this participant joined, on its monotonic clock */
  constructor(components: BuiltinFeedComponents, joinedMs: number) {
    this.#components = components
    this.#ownVerdict = aliveVerdict(joinedMs)
  }

  /** A reader of a built-in topic has been made. */
  readerOpened(): void {
    if (this.#readers++ > 0) {
      this.check()
      return
    }
    const { writers, peers } = this.#components
    this.#writers = {
      participants: untyped(writers.hiddenWriter(builtinTopics.participants)),
      writers: untyped(writers.hiddenWriter(builtinTopics.writers)),
      readers: untyped(writers.hiddenWriter(builtinTopics.readers)),
    }
    this.check()
    for (const peer of peers.values()) this.onPeerChanged(peer)
  }

  readerClosed(): void {
    if (--this.#readers > 0) return
    const writers = this.#writers
    this.#writers = undefined
    this.#rows.clear()
    for (const writer of Object.values(writers ?? {})) writer.close()
  }

  /** Writes this participant's own rows if they have changed. Call it a few times per second. */
  check(): void {
    if (this.#writers === undefined) return
    this.#publishEndpoints(this.#components.endpoints.descriptor(), this.#ownVerdict, this.#writers)
  }

  onPeerChanged({ descriptor, monitor }: RemotePeer): void {
    if (this.#writers === undefined || descriptor === undefined) return
    this.#publishEndpoints(descriptor, monitor.verdict, this.#writers)
  }

  onPeerRemoved({ guid }: RemotePeer): void {
    for (const row of this.#rows.get(guid)?.values() ?? []) this.#end(row)
    this.#rows.delete(guid)
  }

  #publishEndpoints(descriptor: Descriptor, verdict: Verdict, writers: Writers): void {
    const { guid } = descriptor
    const before = this.#rows.get(guid) ?? new Map<string, Row>()
    const now = new Map<string, Row>()
    this.#rows.set(guid, now)
    // The descriptor of an unreachable peer holds as far as is known, but has no writer now.
    const isLost = verdict.liveliness === Liveliness.unreachable
    for (const [writer, row] of rowsOf(descriptor, verdict, writers)) {
      const text = isLost ? '' : JSON.stringify(row)
      now.set(row.guid, { writer, row, text })
      if (before.get(row.guid)?.text === text) continue
      this.#publish(() => (isLost ? writer.unregister(row.guid) : writer.write(row)))
    }
    for (const [key, row] of before) if (!now.has(key)) this.#end(row)
  }

  /** Only an alive instance can be disposed, so an unregistered row is written again first; no reader sees that. */
  #end({ writer, row, text }: Row): void {
    this.#publish(() => {
      if (text === '') writer.write(row)
      writer.dispose(row.guid)
    })
  }

  /** A row may be refused, because a descriptor may hold more than a value may: that is counted. */
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
