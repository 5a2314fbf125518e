import { type Random, seededRandom } from '../../../src/core/random.js'
import type { Taint } from '../../../src/plane/vocabulary/taint.js'
import type { AdmissionStrategy } from '../../../src/plane/worker/worker-profile.js'
import type { SnapshotChange } from '../../../src/views/snapshot/snapshot-change.js'
import type { WorkerHeadroom, WorkerLoad, WorkerProfile } from '../../../src/views/snapshot/worker-row.js'
import type { ZoneRow } from '../../../src/views/snapshot/zone-row.js'

const GiB = 2 ** 30

/** Draws fleets and changes of them. Equal seeds draw the same. */
export class FleetSource {
  readonly #random: Random
  readonly #hosts: number
  readonly #zonesPerHost: number

  constructor(seed: number, hosts: number, zonesPerHost: number) {
    this.#random = seededRandom(seed)
    this.#hosts = hosts
    this.#zonesPerHost = zonesPerHost
  }

  integer(below: number): number {
    return Math.floor(this.#random() * below)
  }

  chance(share: number): boolean {
    return this.#random() < share
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.integer(items.length)]
    if (item === undefined) throw new RangeError('nothing to pick from')
    return item
  }

  some<T>(items: readonly T[], share: number): T[] {
    return items.filter(() => this.chance(share))
  }

  /** Draws every zone, and every worker with all its parts. */
  *fleet(workers: number, nowMs: number): IterableIterator<SnapshotChange> {
    for (let host = 0; host < this.#hosts; host++) {
      for (let node = 0; node < this.#zonesPerHost; node++) yield { kind: 'zone', zone: this.zone(host, node, nowMs) }
    }
    for (let worker = 0; worker < workers; worker++) {
      const workerId = `worker-${worker}`
      yield { kind: 'worker-load', workerId, load: this.load(1, nowMs) }
      yield { kind: 'worker-profile', workerId, profile: this.profile(1) }
      yield { kind: 'worker-headroom', workerId, headroom: this.headroom(1, nowMs) }
    }
  }

  zone(host: number, numaNode: number, nowMs: number): ZoneRow {
    const cpus = this.pick([4, 8, 16])
    const memoryTotalBytes = this.pick([8, 16, 64]) * GiB
    const limit = this.chance(0.3) ? memoryTotalBytes / 2 : null
    return {
      bootId: `boot-${host}`,
      host: 'host',
      numaNode,
      cpus,
      memoryTotalBytes,
      memoryAvailableBytes: Math.round(this.#random() * memoryTotalBytes),
      distances: this.chance(0.8)
        ? Object.fromEntries(
            Array.from({ length: this.#zonesPerHost }, (_, to) => [
              String(to),
              to === numaNode ? 10 : 10 + Math.abs(to - numaNode) * 11,
            ]),
          )
        : null,
      memoryLimitBytes: limit,
      memoryHeadroomBytes: limit === null ? null : Math.round(this.#random() * limit),
      cpuQuotaCores: this.chance(0.2) ? cpus / 2 : null,
      cpuHeadroomCores: this.chance(0.95) ? this.#random() * cpus : null,
      memoryPressurePercent: this.#percent(),
      cpuPressurePercent: this.#percent(),
      memoryPressureAvg60Percent: this.#percent(),
      cpuPressureAvg60Percent: this.#percent(),
      collectorLiveliness: this.chance(0.95) ? 'alive' : 'dead',
      observedMs: nowMs - this.integer(4_000),
    }
  }

  load(incarnation: number, nowMs: number): WorkerLoad {
    const concurrency = 1 + this.integer(8)
    const inFlight = this.integer(concurrency + 1)
    const liveliness = this.chance(0.92) ? 'alive' : this.pick(['stalled', 'suspect', 'unreachable', 'dead'] as const)
    const condition = this.chance(0.9) ? 'available' : this.pick(['busy', 'unhealthy', 'draining'] as const)
    return {
      incarnation,
      bootId: `boot-${this.integer(this.#hosts)}`,
      host: 'host',
      numaNode: this.integer(this.#zonesPerHost),
      liveliness,
      reliableFromMs: this.chance(0.05) ? nowMs + this.integer(10_000) - 2_000 : null,
      condition,
      inFlight,
      concurrency,
      inFlightByQueue: this.chance(0.5) ? { media: Math.floor(inFlight / 2) } : null,
      vramUsedBytes: this.integer(16) * GiB,
      capacityScore: this.chance(0.5) ? this.#random() : null,
      admissionOpen: this.chance(0.97),
      admissionReason: null,
      observedMs: nowMs - (this.chance(0.8) ? this.integer(3_000) : this.integer(40_000)),
    }
  }

  profile(incarnation: number): WorkerProfile {
    return {
      incarnation,
      capabilities: this.some(['transcode@1', 'transcode@2', 'inference:llm:ollama@1'], 0.6),
      tags: this.some(['region=eu', 'region=us', 'tier=gold', 'gpu'], 0.5),
      labels: Object.fromEntries(
        this.some(['rack', 'disk', 'generation'], 0.7).map((key) => [key, this.pick(['1', '2', '3', 'x'])]),
      ),
      taints: this.some(taints, 0.06),
      queues: this.chance(0.5) ? [] : this.some(['media', 'mail'], 0.7),
      admission: this.#admission(),
      residents: this.some(['llama', 'whisper'], 0.3),
      shards: this.some(['shard-1', 'shard-2'], 0.2),
      numaBound: this.chance(0.3),
    }
  }

  headroom(incarnation: number, nowMs: number): WorkerHeadroom {
    const quota = this.chance(0.3) ? 1 + this.integer(8) : null
    const limit = this.chance(0.5) ? (1 + this.integer(16)) * GiB : null
    return {
      incarnation,
      cpuQuotaCores: quota,
      cpuUsedCores: this.#random() * (quota ?? 4),
      memoryLimitBytes: limit,
      memoryHeadroomBytes: limit === null ? null : Math.round(this.#random() * limit),
      memoryPressurePercent: this.#percent(),
      cpuPressurePercent: this.#percent(),
      memoryPressureAvg60Percent: null,
      cpuPressureAvg60Percent: null,
      cpuThrottledPercent: this.#percent(),
      eventLoopUtilization: this.chance(0.9) ? this.#random() : null,
      observedMs: nowMs - this.integer(2_000),
    }
  }

  #percent(): number | null {
    return this.chance(0.2) ? null : this.#random() * (this.chance(0.9) ? 10 : 100)
  }

  #admission(): AdmissionStrategy {
    if (this.chance(0.8)) return { kind: 'fixed' }
    return this.chance(0.5)
      ? { kind: 'reactive' }
      : { kind: 'vram-budget', vramBudgetBytes: this.pick([8, 16, 24]) * GiB }
  }
}

const taints: readonly Taint[] = [
  { key: 'gpu', value: 'true', effect: 'no-schedule' },
  { key: 'spot', value: '', effect: 'prefer-no-schedule' },
  { key: 'old-disk', value: 'yes', effect: 'prefer-no-schedule' },
  { key: 'upgrade', value: 'now', effect: 'no-execute' },
]
