import type { ConfigRow, IntentRow, SnapshotChange } from '../../../src/views/snapshot/snapshot-change.js'
import type { WorkerHeadroom, WorkerLoad, WorkerProfile, WorkerRow } from '../../../src/views/snapshot/worker-row.js'
import type { ZoneRow } from '../../../src/views/snapshot/zone-row.js'

interface Parts {
  load?: WorkerLoad
  profile?: WorkerProfile
  headroom?: WorkerHeadroom
}

/** Reference implementation of a snapshot: plain maps to which each change is written. */
export class ObviousFleet {
  readonly parts = new Map<string, Parts>()
  readonly zones = new Map<string, ZoneRow>()
  readonly intents = new Map<string, IntentRow>()
  readonly configs = new Map<string, ConfigRow>()

  apply(change: SnapshotChange): void {
    switch (change.kind) {
      case 'worker-load':
        this.#part(change.workerId, 'load', change.load)
        break
      case 'worker-profile':
        this.#part(change.workerId, 'profile', change.profile)
        break
      case 'worker-headroom':
        this.#part(change.workerId, 'headroom', change.headroom)
        break
      case 'worker-removed':
        this.parts.delete(change.workerId)
        break
      case 'zone':
        this.zones.set(`${change.zone.bootId}/${change.zone.numaNode}`, change.zone)
        break
      case 'zone-removed':
        this.zones.delete(`${change.bootId}/${change.numaNode}`)
        break
      case 'intent':
        this.intents.set(`${change.intent.kind} ${change.intent.target}`, change.intent)
        break
      case 'intent-ended':
        this.intents.delete(`${change.intentKind} ${change.target}`)
        break
      case 'config':
        this.configs.set(`${change.config.kind} ${change.config.scope}`, change.config)
        break
      case 'config-ended':
        this.configs.delete(`${change.configKind} ${change.scope}`)
    }
  }

  #part<K extends keyof Parts>(workerId: string, name: K, part: NonNullable<Parts[K]>): void {
    const parts = this.parts.get(workerId) ?? {}
    this.parts.set(workerId, parts)
    const known = parts[name]
    if (known === undefined || part.incarnation >= known.incarnation) parts[name] = part
  }

  /** Returns the worker as a snapshot shows it, or undefined while its load is unknown. */
  row(workerId: string): WorkerRow | undefined {
    const { load, profile, headroom } = this.parts.get(workerId) ?? {}
    if (load === undefined) return undefined
    return {
      workerId,
      load,
      profile: profile?.incarnation === load.incarnation ? profile : null,
      headroom: headroom?.incarnation === load.incarnation ? headroom : null,
    }
  }

  rows(): WorkerRow[] {
    return [...this.parts.keys()].flatMap((workerId) => this.row(workerId) ?? [])
  }
}
