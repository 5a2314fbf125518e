import type { Clock } from '../../core/clock.js'
import type { EntityGuid, EntityId, Guid, Seq } from '../../core/ids.js'
import { Reliability } from '../../qos/policies.js'
import { replyBudgetBytes } from '../../wire/pull.js'
import type { WireSample } from '../../wire/samples.js'
import type { LocalEndpoints, LocalReader, LocalWriter } from '../endpoints/local-endpoints.js'
import type { MismatchLog } from '../endpoints/mismatch-log.js'
import { matchEndpoints } from '../model/matching.js'
import type { Match } from '../peer/remote-peer.js'
import type { Reader } from '../reader/reader.js'
import { newWriterProxy, stateWhenClosed } from '../reader/writer-proxy.js'
import type { Writer } from '../writer/writer.js'
import { type CatchUpServer, firstDueSeq } from './catch-up-server.js'
import { readSamplesFrame } from './samples-frame.js'

export interface LocalDeliveryComponents {
  readonly participant: Guid
  readonly incarnation: number
  readonly clock: Clock
  readonly endpoints: LocalEndpoints
  readonly server: CatchUpServer
  readonly mismatches: MismatchLog
}

interface LocalMatch extends Match {
  /** What has been brought; with a reader that has no room it is more than the token says. */
  broughtSeq: Seq
  /** A listener wrote while it was being told: what that brought comes next. */
  isBusy: boolean
  /** The reader has room again: what it refused comes next. */
  mustResume: boolean
}

/**
 * From a participant's own writers to its own readers, which match by the same rules as any others. Nothing goes over
 * a lane: what a reader has not seen yet is taken from the writer's cache, as a catch-up without a network.
 */
export class LocalDelivery {
  readonly #components: LocalDeliveryComponents
  readonly #matches = new Map<EntityId, LocalMatch[]>()

  constructor(components: LocalDeliveryComponents) {
    this.#components = components
  }

  addWriter(local: LocalWriter): void {
    for (const reader of this.#components.endpoints.readers()) this.#match(local, reader)
  }

  addReader(local: LocalReader): void {
    for (const writer of this.#components.endpoints.writers()) this.#match(writer, local)
  }

  /** The writer has sent what was waiting. */
  written(writer: Writer<object>): void {
    for (const match of this.#matches.get(writer.entity) ?? []) this.#advance(writer, match)
  }

  /** The writer wants to know how far its readers are: those here are there, however little room they have. */
  asked(writer: Writer<object>): void {
    const nowMs = this.#components.clock.nowMs()
    for (const { reader, proxy } of this.#matches.get(writer.entity) ?? []) {
      writer.audience.acknowledged(reader.guid, proxy.progress.appliedSeq, nowMs)
    }
  }

  /** Brings the writer's whole cache again, for a reader that kept another owner's newer values. */
  refresh(guid: EntityGuid): void {
    for (const { writer } of this.#components.endpoints.writers()) {
      if (writer.guid !== guid) continue
      for (const match of this.#matches.get(writer.entity) ?? []) {
        match.proxy.stale = false
        this.#bring(writer, match, 0)
      }
    }
  }

  /** There is room again: goes on from the token. */
  resume(guid: EntityGuid): void {
    for (const { writer } of this.#components.endpoints.writers()) {
      if (writer.guid !== guid) continue
      for (const match of this.#matches.get(writer.entity) ?? []) {
        match.mustResume = true
        this.#advance(writer, match)
      }
    }
  }

  removeWriter(entity: EntityId): void {
    const matches = this.#matches.get(entity) ?? []
    this.#matches.delete(entity)
    for (const { reader, proxy } of matches) reader.removeProxy(proxy.guid, stateWhenClosed(proxy))
  }

  removeReader(reader: Reader<object>): void {
    for (const { writer } of this.#components.endpoints.writers()) writer.audience.leave(reader.guid)
    for (const [entity, matches] of this.#matches) {
      this.#matches.set(
        entity,
        matches.filter((match) => match.reader !== reader),
      )
    }
  }

  /** Forgets everything; readers keep what they hold. */
  close(): void {
    this.#matches.clear()
  }

  #match({ writer, info, relayed }: LocalWriter, { reader, info: readerInfo }: LocalReader): void {
    if (relayed === reader) return
    const result = matchEndpoints(info, readerInfo)
    if (result.kind === 'unrelated') return
    if (result.kind !== 'match') {
      this.#components.mismatches.report({ ...result, topic: info.topic, writer: writer.guid, reader: reader.guid })
      return
    }
    const { incarnation, clock } = this.#components
    const match: LocalMatch = {
      reader,
      proxy: newWriterProxy(writer.guid, info, incarnation, clock.nowMs()),
      broughtSeq: 0,
      isBusy: false,
      mustResume: false,
    }
    this.#matches.set(writer.entity, [...(this.#matches.get(writer.entity) ?? []), match])
    reader.addProxy(match.proxy)
    const dueSeq = firstDueSeq(writer, readerInfo)
    match.proxy.progress.advanceTo(dueSeq)
    match.broughtSeq = dueSeq
    const isReliable = reader.qos.reliability === Reliability.reliable
    writer.audience.join(reader.guid, isReliable, dueSeq, clock.nowMs())
    // Not before whoever opened the reader could begin to listen.
    queueMicrotask(() => {
      if (this.#matches.get(writer.entity)?.includes(match) === true) this.#advance(writer, match)
    })
  }

  #advance(writer: Writer<object>, match: LocalMatch): void {
    // A listener that writes comes back here: the walk that is under way finds what it wrote.
    if (match.isBusy) return
    match.isBusy = true
    try {
      do {
        if (match.mustResume) match.broughtSeq = match.proxy.progress.appliedSeq
        match.mustResume = false
        this.#bring(writer, match, match.broughtSeq)
      } while (match.mustResume)
    } finally {
      match.isBusy = false
    }
    match.proxy.started = true
    const { appliedSeq } = match.proxy.progress
    writer.audience.acknowledged(match.reader.guid, appliedSeq, this.#components.clock.nowMs())
  }

  #bring(writer: Writer<object>, match: LocalMatch, after: Seq): void {
    const { server, participant } = this.#components
    const { reader, proxy } = match
    for (let seq = after; ; ) {
      const part = server.collect(writer, seq, 0, replyBudgetBytes)
      proxy.progress.announce(part.toSeq)
      match.broughtSeq = Math.max(match.broughtSeq, part.toSeq)
      const token = proxy.progress.appliedSeq
      const wasBlocked = proxy.blocked
      let refusedSeq: Seq | undefined
      let samples: readonly WireSample[] = []
      if (part.frame !== undefined) {
        const frame = readSamplesFrame(part.frame, participant, writer.entity)
        samples = frame.samples
        refusedSeq = reader.receiveCatchUp(proxy, frame.head, samples)
      }
      // Beyond what was refused the token does not go, until a resumed walk has passed it.
      if (!wasBlocked) proxy.progress.advanceTo(refusedSeq === undefined ? part.toSeq : refusedSeq - 1)
      if (proxy.started) reader.repaired(proxy, token, proxy.progress.appliedSeq, samples)
      if (!part.more && writer.lastSeq === part.toSeq) return
      seq = part.toSeq
    }
  }
}
