import { NumacastError } from '../../core/errors.js'
import type { EntityId, Guid } from '../../core/ids.js'
import { announcedQos, announcedWriterQos } from '../../qos/announced.js'
import type { StreamLane } from '../../transport/lane/transport.js'
import type { DigestEntry } from '../../wire/beacon.js'
import type { Descriptor, ProcessIdentity, Properties, ReaderInfo, WriterInfo } from '../../wire/descriptor.js'
import type { MismatchEvent } from '../model/events.js'
import { defaultSampleBytes, type Topic } from '../model/topic.js'
import type { Reader } from '../reader/reader.js'
import type { Writer } from '../writer/writer.js'

/** The part of a participant's descriptor that never changes. */
export interface SelfDescription {
  readonly guid: Guid
  readonly incarnation: number
  readonly name: string
  readonly identity: ProcessIdentity
  readonly properties: Properties
}

export interface LocalWriter {
  readonly writer: Writer<object>
  readonly info: WriterInfo
  /** For a relay's writer: the reader that feeds it, which it must not feed. */
  readonly relayed: Reader<object> | undefined
  /** It feeds only this participant's own readers and is not announced. */
  readonly isHidden: boolean
}

export interface LocalReader {
  readonly reader: Reader<object>
  readonly info: ReaderInfo
}

/** Writers, and readers, that a descriptor may name. */
const maxEndpoints = 4096
/** Addresses that a descriptor may name for each kind of stream. */
const maxListenEndpoints = 16

/** Holds a participant's own writers and readers. Builds its descriptor and its digests. */
export class LocalEndpoints {
  readonly #self: SelfDescription
  readonly #stream: StreamLane
  readonly #writers = new Map<EntityId, LocalWriter>()
  readonly #readers = new Map<EntityId, LocalReader>()
  #version = 1
  #writersVersion = 1
  #lastEntity = 0
  #partitions: { readonly reads: ReadonlySet<string>; readonly writes: ReadonlySet<string> } | undefined

  constructor(self: SelfDescription, stream: StreamLane) {
    this.#self = self
    this.#stream = stream
  }

  /** Rises whenever writers, readers or live endpoints change. Signs of presence carry it to the writers. */
  get version(): number {
    return this.#version
  }

  /** The version since which only readers have changed. Beacons carry it, because remote readers need no more. */
  get writersVersion(): number {
    return this.#writersVersion
  }

  /** Returns the partitions that are read here, and the partitions that are written to here. */
  partitions(): { readonly reads: ReadonlySet<string>; readonly writes: ReadonlySet<string> } {
    this.#partitions ??= {
      reads: new Set([...this.#readers.values()].flatMap(({ info }) => info.partitions)),
      writes: new Set(this.announcedWriters().flatMap(({ info }) => info.partitions)),
    }
    return this.#partitions
  }

  /** @throws NumacastError NUMACAST_LIMIT when a descriptor could not name one more */
  newEntity(kind: 'writer' | 'reader'): EntityId {
    const held = kind === 'writer' ? this.#writers.size : this.#readers.size
    if (held >= maxEndpoints) {
      throw new NumacastError('NUMACAST_LIMIT', `participant '${this.#self.name}' has ${held} ${kind}s already`)
    }
    return ++this.#lastEntity as EntityId
  }

  /** Includes the hidden ones. */
  writers(): IterableIterator<LocalWriter> {
    return this.#writers.values()
  }

  announcedWriters(): LocalWriter[] {
    return [...this.#writers.values()].filter(({ isHidden }) => !isHidden)
  }

  readers(): IterableIterator<LocalReader> {
    return this.#readers.values()
  }

  writer(entity: EntityId): LocalWriter | undefined {
    return this.#writers.get(entity)
  }

  /** Reports a pair that cannot be matched to each end that is here. */
  reportMismatch(event: MismatchEvent): void {
    for (const { writer } of this.#writers.values()) if (writer.guid === event.writer) writer.reportMismatch(event)
    for (const { reader } of this.#readers.values()) if (reader.guid === event.reader) reader.feed.reportMismatch(event)
  }

  reader(entity: EntityId): LocalReader | undefined {
    return this.#readers.get(entity)
  }

  addWriter<T extends object>(writer: Writer<T>, relayed: Reader<T> | undefined, isHidden = false): LocalWriter {
    const { entity, topic, partitions, qos } = writer
    const info = {
      ...announce(entity, topic, partitions),
      qos: announcedWriterQos(qos),
      fields: [...topic.fields],
      lane: topic.lane,
      large: false,
    }
    const local: LocalWriter = {
      writer: writer as unknown as Writer<object>,
      info,
      relayed: relayed as unknown as Reader<object> | undefined,
      isHidden,
    }
    this.#writers.set(entity, local)
    if (!isHidden) this.#writersChanged()
    return local
  }

  /** Announces that the writer has samples that fit no datagram and are published by stream. */
  announceLarge(entity: EntityId): void {
    const local = this.#writers.get(entity)
    if (local === undefined || local.info.large) return
    local.info.large = true
    this.#writersChanged()
  }

  removeWriter(entity: EntityId): void {
    const isAnnounced = this.#writers.get(entity)?.isHidden === false
    this.#writers.delete(entity)
    if (isAnnounced) this.#writersChanged()
  }

  addReader<T extends object>(reader: Reader<T>): LocalReader {
    const { entity, topic, partitions, qos } = reader
    const info = { ...announce(entity, topic, partitions), qos: announcedQos(qos) }
    const local = { reader: reader as unknown as Reader<object>, info }
    this.#readers.set(entity, local)
    this.#readersChanged()
    return local
  }

  removeReader(entity: EntityId): LocalReader | undefined {
    const removed = this.#readers.get(entity)
    if (this.#readers.delete(entity)) this.#readersChanged()
    return removed
  }

  /** The addresses of the stream lane have changed. */
  endpointsChanged(): void {
    this.#writersChanged()
  }

  descriptor(): Descriptor {
    const { guid, incarnation, name, identity, properties } = this.#self
    return {
      guid,
      incarnation,
      version: this.#version,
      name,
      identity,
      properties: { ...properties },
      requestEndpoints: this.#stream.requestEndpoints.slice(0, maxListenEndpoints),
      liveEndpoints: this.#stream.liveEndpoints.slice(0, maxListenEndpoints),
      writers: this.announcedWriters().map(({ info }) => info),
      readers: [...this.#readers.values()].map(({ info }) => info),
    }
  }

  #writersChanged(): void {
    this.#writersVersion = ++this.#version
    this.#partitions = undefined
  }

  #readersChanged(): void {
    this.#version++
    this.#partitions = undefined
  }

  /** Returns the last sequence number of each writer in the partition. */
  digest(partition: string): DigestEntry[] {
    const digest: DigestEntry[] = []
    for (const { writer, isHidden } of this.#writers.values()) {
      if (!isHidden && writer.partitions.includes(partition))
        digest.push({ writer: writer.entity, lastSeq: writer.lastSeq })
    }
    return digest
  }
}

function announce(
  entity: EntityId,
  { name, typeHash, maxSampleBytes }: Pick<Topic<object>, 'name' | 'typeHash' | 'maxSampleBytes'>,
  partitions: readonly string[],
): Omit<ReaderInfo, 'qos'> {
  const limit = maxSampleBytes === defaultSampleBytes ? {} : { maxSampleBytes }
  return { entity, topic: name, typeHash, partitions: [...partitions], ...limit }
}
