import type { Change } from '../../cache/last-value-cache.js'
import { entityGuid, type Guid, type Seq } from '../../core/ids.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Clock } from '../../core/time/clock.js'
import { DestinationOrder, Durability, Reliability } from '../../qos/policies.js'
import type { ReaderInfo } from '../../wire/descriptor.js'
import {
  CatchUpAction,
  type PullProgress,
  type PullReply,
  type PullRequest,
  type PullToken,
  replyBudgetBytes,
} from '../../wire/pull.js'
import { maxKeyBytes, SamplesEncoder } from '../../wire/samples.js'
import type { LocalEndpoints } from '../endpoints/local-endpoints.js'
import type { MatchCheck } from '../endpoints/match-check.js'
import type { Writer } from '../writer/writer.js'

export interface CatchUpServerComponents {
  readonly participant: Guid
  readonly clock: Clock
  readonly counters: Counters
  readonly endpoints: LocalEndpoints
  readonly matchCheck: MatchCheck
}

/** Enough for what most participants own. Each has a server, and few ever fill a reply. */
const firstEncoderBytes = 16 * 1024

/**
 * The owner's side of catch-up. Keeps nothing between requests: the request carries the reader's tokens, and the caches
 * hold what has changed since. A reply carries about 1 MiB of samples; a reader that needs more asks again.
 */
export class CatchUpServer {
  readonly #components: CatchUpServerComponents
  #encoder: SamplesEncoder | undefined
  #encoderSampleBytes = 0

  constructor(components: CatchUpServerComponents) {
    this.#components = components
  }

  answer(request: PullRequest): PullReply {
    const { endpoints, matchCheck, participant } = this.#components
    const tokens = new Map(request.tokens.map((token) => [`${token.reader} ${token.writer}`, token]))
    const progress: PullProgress[] = []
    let budget = replyBudgetBytes
    const { guid, readers } = request.descriptor
    for (const { writer, info } of endpoints.announcedWriters()) {
      for (const reader of readers) {
        if (!matchCheck.isMatch({ participant, info }, { participant: guid, info: reader })) continue
        const token = tokens.get(`${reader.entity} ${writer.entity}`)
        this.#acknowledge(writer, guid, reader, token)
        const part = this.#progressOf(writer, reader, token, budget)
        budget -= part.frame?.length ?? 0
        progress.push(part)
      }
    }
    return endpoints.version === request.knownVersion ? { progress } : { descriptor: endpoints.descriptor(), progress }
  }

  /** The reader is there and reports its progress. A reader that was given up is back. */
  #acknowledge(writer: Writer<object>, participant: Guid, reader: ReaderInfo, token: PullToken | undefined): void {
    const nowMs = this.#components.clock.nowMs()
    const guid = entityGuid(participant, reader.entity)
    writer.readers.join(guid, reader.qos.reliability === Reliability.reliable, firstDueSeq(writer, reader), nowMs)
    if (token === undefined) return
    // During a bootstrap the number is the progress of the bootstrap, not what the reader has.
    const seq = token.base === token.seq ? Math.min(token.seq, writer.lastSeq) : 0
    writer.readers.acknowledged(guid, seq, nowMs)
  }

  #progressOf(writer: Writer<object>, reader: ReaderInfo, token: PullToken | undefined, budget: number): PullProgress {
    const { cache } = writer
    const ids = { reader: reader.entity, writer: writer.entity, headSeq: cache.lastSeq }
    const known = token ?? { seq: 0, base: 0 }
    const { durability } = writer.qos
    const isNewcomer = token === undefined
    if (isNewcomer && (durability === Durability.volatile || reader.qos.durability === Durability.volatile)) {
      return { ...ids, action: CatchUpAction.advance, base: cache.lastSeq, toSeq: cache.lastSeq, more: false }
    }
    const goesOn = known.base > known.seq && known.base >= cache.horizon && known.base <= cache.lastSeq
    if (!goesOn && known.seq > 0 && known.seq >= cache.horizon) {
      return { ...ids, action: CatchUpAction.advance, base: known.seq, ...this.collect(writer, known.seq, 0, budget) }
    }
    const base = goesOn ? known.base : cache.lastSeq
    const from = goesOn ? known.seq : 0
    this.#components.counters.add(goesOn ? 'catch-up.bootstrap-continued' : 'catch-up.bootstrap')
    return { ...ids, action: CatchUpAction.bootstrap, base, ...this.collect(writer, from, base, budget) }
  }

  /** Encodes the changes after `from` that fit. Leaves out ends up to `base`: a bootstrapping reader infers them. */
  collect(
    writer: Writer<object>,
    from: number,
    base: number,
    budget: number,
  ): Pick<PullProgress, 'toSeq' | 'more' | 'frame'> {
    const { clock } = this.#components
    const encoder = this.#encoderFor(writer.topic.maxSampleBytes)
    const nowMs = clock.nowMs()
    encoder.begin(writer.entity, from, clock.wallMs())
    for (const change of writer.cache.changesAfter(from)) {
      if (change.seq <= base && hasEnded(writer, change, base)) continue
      const isFull = encoder.size >= budget
      if (isFull || !encoder.add(change, nowMs - change.writtenMs)) {
        return encoder.count === 0
          ? { toSeq: from, more: true }
          : { toSeq: encoder.lastSeq, more: true, frame: encoder.finish() }
      }
    }
    const toSeq = writer.cache.lastSeq
    return encoder.count === 0 ? { toSeq, more: false } : { toSeq, more: false, frame: encoder.finish() }
  }

  /** Returns the encoder of all writers, large enough for the largest topic that has been pulled. */
  #encoderFor(sampleBytes: number): SamplesEncoder {
    if (this.#encoder === undefined || sampleBytes > this.#encoderSampleBytes) {
      this.#encoderSampleBytes = sampleBytes
      const { participant } = this.#components
      this.#encoder = new SamplesEncoder(
        participant,
        replyBudgetBytes + sampleBytes + 2 * maxKeyBytes,
        firstEncoderBytes,
      )
    }
    return this.#encoder
  }
}

/** Returns the number up to which no change is due to the reader: a volatile one is not due earlier changes. */
export function firstDueSeq(writer: Writer<object>, { qos }: ReaderInfo): Seq {
  return [writer.qos.durability, qos.durability].includes(Durability.volatile) ? writer.lastSeq : 0
}

/**
 * Whether the change belongs to an instance that ended before the bootstrap began: a copy without it is complete. Not
 * so where readers order by source, because an end is later than what other owners wrote before it.
 */
function hasEnded({ cache, qos }: Writer<object>, change: Change, base: number): boolean {
  if (change.disposed) return qos.destinationOrder !== DestinationOrder.bySource
  if (cache.historyDepth === 1) return false
  const latest = cache.latest(change.key)
  if (latest === undefined || latest.seq > base) return false
  return latest.disposed || (latest.valueSeq < latest.seq && latest !== change)
}
