import { invalidArgument } from '../core/errors.js'
import type { Counters } from '../core/reporting/counters.js'
import type { Clock } from '../core/time/clock.js'
import { builtinPartition, resolvePartitions } from '../discovery/partition-groups.js'
import type { QosOptions } from '../qos/qos.js'
import { resolveQos } from '../qos/resolve.js'
import { isBuiltin } from './model/builtin-topics.js'
import { Lane, type Topic } from './model/topic.js'
import type { Reader } from './reader/reader.js'
import { SharedLiveliness } from './writer/liveliness-lease.js'
import { Writer } from './writer/writer.js'
import type { WriterOptions } from './writer/writer-options.js'
import { WriterConnection, type WriterConnectionComponents } from './writer-connection.js'

export interface WriterFactoryComponents extends WriterConnectionComponents {
  readonly clock: Clock
  readonly counters: Counters
}

interface WriterSettings<T extends object> {
  readonly partitions: readonly string[]
  readonly qos: QosOptions | undefined
  /** For a relay's writer: the reader that feeds it. */
  readonly relayed?: Reader<T> | undefined
  /** It feeds only this participant's own readers. */
  readonly isHidden: boolean
  readonly signal?: AbortSignal | undefined
}

/** Makes a participant's writers and joins them to everything that serves them. */
export class WriterFactory {
  readonly #components: WriterFactoryComponents
  readonly #sharedLiveliness = new SharedLiveliness()

  constructor(components: WriterFactoryComponents) {
    this.#components = components
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT, NUMACAST_LIMIT */
  writer<T extends object>(topic: Topic<T>, options: WriterOptions, relayed?: Reader<T>): Writer<T> {
    if (isBuiltin(topic)) throw invalidArgument(`topic '${topic.name}' is built in: it cannot be written`)
    const partitions = resolvePartitions(options.partition)
    return this.#make(topic, { partitions, qos: options.qos, relayed, isHidden: false, signal: options.signal })
  }

  /** Makes a writer of a built-in topic, for this participant's readers. @throws NumacastError NUMACAST_LIMIT */
  hiddenWriter<T extends object>(topic: Topic<T>): Writer<T> {
    return this.#make(topic, { partitions: [builtinPartition], qos: undefined, isHidden: true })
  }

  #make<T extends object>(topic: Topic<T>, settings: WriterSettings<T>): Writer<T> {
    const { participant, clock, counters, endpoints, liveSocket, local, membership, matchedReaders } = this.#components
    const { partitions, relayed, isHidden, signal } = settings
    const qos = resolveQos(topic.qos, settings.qos)
    signal?.throwIfAborted()
    const entity = endpoints.newEntity('writer')
    const target = { entity, lane: topic.lane, partitions: isHidden ? [] : partitions }
    const host = new WriterConnection(this.#components, target)
    const sharedLiveliness = this.#sharedLiveliness
    const writer = new Writer<T>(
      { participant, clock, counters, host, sharedLiveliness },
      { topic, entity, partitions, qos, signal },
    )
    const added = endpoints.addWriter(writer, relayed, isHidden)
    local.addWriter(added)
    if (isHidden) return writer
    matchedReaders.addWriter(added)
    if (topic.lane === Lane.stream) void liveSocket.open()
    for (const partition of partitions) membership.write(partition)
    return writer
  }
}
