import { invalidArgument } from '../core/errors.js'
import type { Guid } from '../core/ids.js'
import type { Counters } from '../core/reporting/counters.js'
import { builtinPartition, resolvePartitions } from '../discovery/partition-groups.js'
import { resolveQos } from '../qos/resolve.js'
import { isBuiltin } from './model/builtin-topics.js'
import type { Topic } from './model/topic.js'
import { Reader } from './reader/reader.js'
import type { ReaderOptions } from './reader/reader-options.js'
import { ReaderConnection, type ReaderConnectionComponents } from './reader-connection.js'

export interface ReaderFactoryComponents extends ReaderConnectionComponents {
  readonly participant: Guid
  readonly counters: Counters
}

/** Makes a participant's readers and joins them to everything that serves them. */
export class ReaderFactory {
  readonly #components: ReaderFactoryComponents

  constructor(components: ReaderFactoryComponents) {
    this.#components = components
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT, NUMACAST_LIMIT */
  reader<T extends object>(topic: Topic<T>, options: ReaderOptions<T>): Reader<T> {
    const { participant, clock, counters, endpoints, membership, local, endpointMatcher, builtin } = this.#components
    const isOfBuiltin = isBuiltin(topic)
    const partitions = isOfBuiltin ? builtinOnly(topic, options) : resolvePartitions(options.partition)
    const qos = resolveQos(topic.qos, options.qos)
    options.signal?.throwIfAborted()
    const entity = endpoints.newEntity('reader')
    const host = new ReaderConnection(this.#components, { entity, partitions, isBuiltin: isOfBuiltin })
    const reader = new Reader<T>({ participant, clock, counters, host }, { topic, entity, partitions, qos }, options)
    const added = endpoints.addReader(reader)
    for (const partition of partitions) membership.read(partition)
    local.addReader(added)
    endpointMatcher.addReader(added)
    if (isOfBuiltin) builtin.readerOpened()
    return reader
  }
}

function builtinOnly<T>(topic: Topic<T>, { partition }: ReaderOptions<T>): readonly string[] {
  if (partition === undefined) return [builtinPartition]
  throw invalidArgument(`topic '${topic.name}' is built in: it has no partitions to choose from`)
}
