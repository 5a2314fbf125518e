import type { Guid } from '../core/ids.js'
import type { Counters } from '../core/reporting/counters.js'
import { publishPeer } from '../core/reporting/diagnostics.js'
import { Listeners } from '../core/reporting/listeners.js'
import type { Clock } from '../core/time/clock.js'
import type { ObserverHealth } from '../liveliness/observer-health.js'
import type { MismatchSink } from './endpoints/mismatch-log.js'
import type { PeerEventSink } from './membership/peer-directory.js'
import type { HealthEvent, MismatchEvent, PeerEvent } from './model/events.js'
import { PeerEventBatches } from './peer/peer-event-batches.js'

export interface ParticipantEventsComponents {
  readonly guid: Guid
  readonly clock: Clock
  readonly counters: Counters
}

/** Passes what happens to peers, endpoints and this participant's health on to the application's listeners. */
export class ParticipantEvents implements PeerEventSink, MismatchSink {
  readonly peers: Listeners<PeerEvent>
  readonly batches: Listeners<readonly PeerEvent[]>
  readonly mismatches: Listeners<MismatchEvent>
  readonly healthChanges: Listeners<HealthEvent>
  readonly #guid: Guid
  readonly #counters: Counters
  readonly #batcher: PeerEventBatches
  #health: ObserverHealth

  constructor({ guid, clock, counters }: ParticipantEventsComponents, health: ObserverHealth) {
    this.#guid = guid
    this.#counters = counters
    this.#health = health
    this.peers = new Listeners(counters, 'participant.listener-threw')
    this.batches = new Listeners(counters, 'participant.listener-threw')
    this.mismatches = new Listeners(counters, 'participant.listener-threw')
    this.healthChanges = new Listeners(counters, 'participant.listener-threw')
    this.#batcher = new PeerEventBatches(clock, (batch) => this.batches.emit(batch))
  }

  peerChanged(event: PeerEvent): void {
    if (this.batches.size > 0) this.#batcher.add(event)
    this.peers.emit(event)
    publishPeer(this.#guid, event)
  }

  mismatchFound(event: MismatchEvent): void {
    this.mismatches.emit(event)
  }

  /** How far this participant trusts its own verdicts may have changed. */
  healthChecked(health: ObserverHealth): void {
    const before = this.#health
    if (health === before) return
    this.#health = health
    if (health.reason === before.reason) return
    const kind = health.degraded ? 'degraded' : 'recovered'
    this.#counters.add(`participant.${kind}`)
    this.healthChanges.emit({ kind, health, before })
  }

  /** Removes all listeners and drops what waits for them. Idempotent. */
  close(): void {
    this.#batcher.close()
    for (const listeners of [this.peers, this.batches, this.mismatches, this.healthChanges]) listeners.clear()
  }
}
