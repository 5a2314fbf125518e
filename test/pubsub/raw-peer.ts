import { type EntityId, type Guid, newGuid } from '../../src/core/ids.js'
import { dataGroup, solicitGroup } from '../../src/discovery/partition-groups.js'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import { announcedWriterQos } from '../../src/qos/announced.js'
import { defaultQos } from '../../src/qos/qos.js'
import type { Transport } from '../../src/transport/lane/transport.js'
import { type Beacon, encodeBeacon } from '../../src/wire/beacon.js'
import type { Descriptor } from '../../src/wire/descriptor.js'
import { RecordCodec } from '../../src/wire/encoding/record.js'
import { decodePullRequest, encodePullReply, type PullReply, type PullRequest } from '../../src/wire/pull.js'
import { SamplesEncoder } from '../../src/wire/samples.js'

export interface Value {
  readonly id: string
  readonly n: number
}
export const topic = defineTopic<Value>({ name: 'state', key: 'id', fields: ['id', 'n'] })
export const entity = 1 as EntityId
const group = dataGroup(1, 'default')
const asideGroup = solicitGroup(1, 'default')

/** A peer that encodes its own frames, so that it can also lie. Honest by default. */
export class RawPeer {
  readonly guid: Guid = newGuid()
  readonly transport: Transport
  readonly values: Value[] = []
  requests = 0
  /** Rewrites the honest reply. May return bytes. */
  lie: (reply: PullReply, request: PullRequest) => PullReply | Uint8Array = (reply) => reply
  #sequence = 0
  readonly #codec = new RecordCodec<Value>(topic.fields)

  constructor(transport: Transport) {
    this.transport = transport
    transport.stream.serve((bytes) => {
      this.requests++
      const request = decodePullRequest(bytes)
      const answer = this.lie(this.reply(request), request)
      return answer instanceof Uint8Array ? answer : encodePullReply(answer)
    })
  }

  descriptor(): Descriptor {
    return {
      guid: this.guid,
      incarnation: 1,
      version: 1,
      name: 'raw',
      identity: { host: 'raw', bootId: 'boot', pid: 1, startTimeTicks: null, pidNamespace: 1, networkNamespace: 1 },
      properties: {},
      requestEndpoints: [],
      liveEndpoints: [],
      writers: [
        {
          entity,
          topic: topic.name,
          typeHash: topic.typeHash,
          partitions: ['default'],
          qos: announcedWriterQos(defaultQos),
          fields: [...topic.fields],
          lane: 'datagram',
          large: false,
        },
      ],
      readers: [],
    }
  }

  beaconFrame(changes: Partial<Beacon> = {}, from: Guid = this.guid): Buffer {
    return encodeBeacon(from, {
      presence: false,
      incarnation: 1,
      sequence: this.#sequence++,
      descriptorVersion: 1,
      goodbye: false,
      streamPort: this.transport.stream.requestPort,
      intervalMs: 500,
      loopDelayMs: 0,
      progress: 0,
      audience: 0,
      digest: [{ writer: entity, lastSeq: this.values.length }],
      ...changes,
    })
  }

  /** Encodes the values, numbered from `prevSeq` + 1. */
  samplesFrame(values: readonly Value[], prevSeq: number, from: Guid = this.guid): Buffer {
    const encoder = new SamplesEncoder(from, 8_000)
    encoder.begin(entity, prevSeq, 1_700_000_000_000)
    values.forEach((value, index) => {
      const bytes = this.#codec.encode(value)
      const keyBytes = Buffer.from(value.id)
      const seq = prevSeq + index + 1
      const sample = { seq, valueSeq: seq, sourceTimeMs: undefined, disposed: false, origin: undefined, keyBytes }
      encoder.add({ ...sample, value: bytes, valueLength: bytes.length }, 1)
    })
    return encoder.finish()
  }

  reply(request: PullRequest): PullReply {
    const headSeq = this.values.length
    return {
      ...(request.knownVersion === 1 ? {} : { descriptor: this.descriptor() }),
      progress: request.descriptor.readers.map(({ entity: reader }) => {
        const from = request.tokens.find((token) => token.reader === reader)?.seq ?? 0
        return {
          reader,
          writer: entity,
          action: from === 0 ? ('bootstrap' as const) : ('advance' as const),
          base: from === 0 ? headSeq : from,
          headSeq,
          toSeq: headSeq,
          more: false,
          frame: this.samplesFrame(this.values.slice(from), from),
        }
      }),
    }
  }

  send(frame: Buffer): void {
    this.transport.datagram.send(group, frame)
  }

  /** Sends to the solicit group of the partition. */
  aside(frame: Buffer): void {
    this.transport.datagram.send(asideGroup, frame)
  }

  write(value: Value): void {
    this.values.push(value)
    this.send(this.samplesFrame([value], this.values.length - 1))
  }
}
