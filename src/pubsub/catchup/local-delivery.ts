import type { EntityGuid, EntityId, Guid, Seq } from '../../core/ids.js'
import type { Clock } from '../../core/time/clock.js'
import { Reliability } from '../../qos/policies.js'
import { replyBudgetBytes } from '../../wire/pull.js'
import type { WireSample } from '../../wire/samples.js'
import type { LocalEndpoints, LocalReader, LocalWriter } from '../endpoints/local-endpoints.js'
import type { MatchCheck } from '../endpoints/match-check.js'
import type { Match } from '../peer/remote-peer.js'
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
  readonly matchCheck: MatchCheck
}

interface LocalMatch extends Match {
  readonly writer: Writer<object>
  /** Changes that have been brought. More than the token covers while the reader has no room. */
  broughtSeq: Seq
  /** A listener may write during a delivery; the delivery under way then continues with that. */
  isBusy: boolean
  /** The reader has room again: the changes that it refused come next. */
  mustResume: boolean
}

/**
 * Delivers the changes of a participant's own writers to its own readers, which match by the same rules as any others.
 * Nothing goes over a lane: what a reader lacks is taken from the writer's cache, as a catch-up without a network.
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
  changesSent(writer: EntityId): void {
    for (const match of this.#matches.get(writer) ?? []) this.#advance(match)
  }

  /** Answers the writer's question how far its readers are, also for readers without room. */
  acknowledge(writer: EntityId): void {
    const nowMs = this.#components.clock.nowMs()
    for (const match of this.#matches.get(writer) ?? []) {
      match.writer.readers.acknowledged(match.reader.guid, match.proxy.progress.appliedSeq, nowMs)
    }
  }

  /** Brings the writer's whole cache again, for a reader that kept another owner's newer values. */
  refresh(writer: EntityGuid): void {
    for (const match of this.#matchesOf(writer)) {
      match.proxy.stale = false
      this.#deliverAfter(match, 0)
    }
  }

  /** Continues from the token, because there is room again. */
  resume(writer: EntityGuid): void {
    for (const match of this.#matchesOf(writer)) {
      match.mustResume = true
      this.#advance(match)
    }
  }

  removeWriter(entity: EntityId): void {
    const matches = this.#matches.get(entity) ?? []
    this.#matches.delete(entity)
    for (const { reader, proxy } of matches) reader.removeProxy(proxy.guid, stateWhenClosed(proxy))
  }

  removeReader(reader: EntityGuid): void {
    for (const { writer } of this.#components.endpoints.writers()) writer.readers.leave(reader)
    for (const [entity, matches] of this.#matches) {
      this.#matches.set(
        entity,
        matches.filter((match) => match.reader.guid !== reader),
      )
    }
  }

  /** Forgets all matches; readers keep what they hold. */
  close(): void {
    this.#matches.clear()
  }

  #matchesOf(writer: EntityGuid): LocalMatch[] {
    return [...this.#matches.values()].flat().filter((match) => match.writer.guid === writer)
  }

  #match({ writer, info, relayed }: LocalWriter, { reader, info: readerInfo }: LocalReader): void {
    const { participant, incarnation, clock, matchCheck } = this.#components
    if (relayed === reader) return
    if (!matchCheck.isMatch({ participant, info }, { participant, info: readerInfo })) return
    const dueSeq = firstDueSeq(writer, readerInfo)
    const match: LocalMatch = {
      writer,
      reader: reader.feed,
      proxy: newWriterProxy(writer.guid, info, incarnation, clock.nowMs()),
      broughtSeq: dueSeq,
      isBusy: false,
      mustResume: false,
    }
    this.#matches.set(writer.entity, [...(this.#matches.get(writer.entity) ?? []), match])
    reader.feed.addProxy(match.proxy)
    match.proxy.progress.advanceTo(dueSeq)
    const isReliable = reader.qos.reliability === Reliability.reliable
    writer.readers.join(reader.guid, isReliable, dueSeq, clock.nowMs())
    // Not before the caller that opened the reader could add a listener.
    queueMicrotask(() => {
      if (this.#matches.get(writer.entity)?.includes(match) === true) this.#advance(match)
    })
  }

  #advance(match: LocalMatch): void {
    // A listener that writes comes back here: the delivery under way finds what it wrote.
    if (match.isBusy) return
    match.isBusy = true
    try {
      do {
        if (match.mustResume) match.broughtSeq = match.proxy.progress.appliedSeq
        match.mustResume = false
        this.#deliverAfter(match, match.broughtSeq)
      } while (match.mustResume)
    } finally {
      match.isBusy = false
    }
    match.proxy.started = true
    const { appliedSeq } = match.proxy.progress
    const nowMs = this.#components.clock.nowMs()
    match.reader.progressed(match.proxy, nowMs)
    match.writer.readers.acknowledged(match.reader.guid, appliedSeq, nowMs)
  }

  #deliverAfter(match: LocalMatch, after: Seq): void {
    const { server, participant } = this.#components
    const { writer, reader, proxy } = match
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
      // The token does not pass a refused change until a resumed delivery has passed it.
      if (!wasBlocked) proxy.progress.advanceTo(refusedSeq === undefined ? part.toSeq : refusedSeq - 1)
      if (proxy.started) reader.repaired(proxy, token, proxy.progress.appliedSeq, samples)
      if (!part.more && writer.lastSeq === part.toSeq) return
      seq = part.toSeq
    }
  }
}
