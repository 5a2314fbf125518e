import type { Policy, WantedIntent } from '../../../src/placement/policies/policy.js'
import { SnapshotBuilder } from '../../../src/views/snapshot/snapshot-builder.js'
import type { WorkerHeadroom, WorkerLoad, WorkerProfile } from '../../../src/views/snapshot/worker-row.js'
import type { ZoneRow } from '../../../src/views/snapshot/zone-row.js'

/** An idle host of some nodes, whose rows a test changes, and a policy that decides on it repeatedly. */
export class PolicyFleet<State> {
  readonly builder = new SnapshotBuilder()
  readonly policy: Policy<State>
  #state: State
  nowMs = 0

  constructor(policy: Policy<State>) {
    this.policy = policy
    this.#state = policy.initial
  }

  zone(numaNode: number, over: Partial<ZoneRow> = {}): void {
    const zone: ZoneRow = {
      bootId: 'boot',
      host: 'host',
      numaNode,
      cpus: 10,
      memoryTotalBytes: 1_000,
      memoryAvailableBytes: 900,
      distances: null,
      memoryLimitBytes: null,
      memoryHeadroomBytes: null,
      cpuQuotaCores: null,
      cpuHeadroomCores: 9,
      memoryPressurePercent: 0,
      cpuPressurePercent: 0,
      memoryPressureAvg60Percent: 0,
      cpuPressureAvg60Percent: 0,
      collectorLiveliness: 'alive',
      observedMs: this.nowMs,
      ...over,
    }
    this.builder.apply({ kind: 'zone', zone })
  }

  worker(
    workerId: string,
    over: { load?: Partial<WorkerLoad>; headroom?: Partial<WorkerHeadroom>; profile?: Partial<WorkerProfile> } = {},
  ): void {
    const load: WorkerLoad = {
      incarnation: 1,
      bootId: 'boot',
      host: 'host',
      numaNode: 0,
      liveliness: 'alive',
      reliableFromMs: null,
      condition: 'available',
      inFlight: 4,
      concurrency: 8,
      inFlightByQueue: null,
      vramUsedBytes: 0,
      capacityScore: null,
      admissionOpen: true,
      admissionReason: null,
      observedMs: this.nowMs,
      ...over.load,
    }
    const headroom: WorkerHeadroom = {
      incarnation: 1,
      cpuQuotaCores: null,
      cpuUsedCores: 1,
      memoryLimitBytes: null,
      memoryHeadroomBytes: null,
      memoryPressurePercent: null,
      cpuPressurePercent: null,
      memoryPressureAvg60Percent: null,
      cpuPressureAvg60Percent: null,
      cpuThrottledPercent: null,
      eventLoopUtilization: 0.1,
      observedMs: this.nowMs,
      ...over.headroom,
    }
    const profile: WorkerProfile = {
      incarnation: 1,
      capabilities: [],
      tags: [],
      labels: {},
      taints: [],
      queues: [],
      admission: { kind: 'fixed' },
      residents: [],
      shards: [],
      numaBound: true,
      ...over.profile,
    }
    this.builder.apply({ kind: 'worker-load', workerId, load })
    this.builder.apply({ kind: 'worker-headroom', workerId, headroom })
    this.builder.apply({ kind: 'worker-profile', workerId, profile })
  }

  /** Decides, and stores the state as it would be read back from a record. */
  decide(): { wanted: readonly WantedIntent[]; undecided: readonly string[]; state: State } {
    const decision = this.policy.decide(this.builder.snapshot(), this.#state, this.nowMs)
    this.#state = JSON.parse(JSON.stringify(decision.state))
    return decision
  }

  /** Returns the wanted intents, each as `kind target`, with its limit or shards if it has any. */
  wanted(): string[] {
    return this.decide().wanted.map(({ kind, target, terms }) => {
      const limit = 'maxInFlight' in terms ? ` ${terms.maxInFlight}` : ''
      return `${kind} ${target}${limit}${'shards' in terms ? ` ${terms.shards.join()}` : ''}`
    })
  }
}
