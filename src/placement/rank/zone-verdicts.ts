import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import { type ZoneRoom, zoneDistance } from '../../views/snapshot/zone-row.js'
import type { ZoneEntry, ZoneStanding } from '../../views/snapshot/zone-table.js'
import { refusalBit } from '../filter/refusal.js'
import { divide, type KnownZone, knownZones, roomOf } from '../fit/zone-room.js'
import { NumaPreference, type ResolvedRequest } from '../request/placement-request.js'
import { closenessOf, numaFit, roomLeft } from '../score/numa-fit.js'
import { unknownScore } from '../score/terms.js'
import type { ResolvedRankOptions } from './rank-options.js'

/** How a request fits the zones as homes of workers, by zone slot: which reasons refuse it, and what it scores. */
export interface FitColumns {
  readonly refusals: Int32Array
  readonly numaFit: Float64Array
  readonly allocation: Float64Array
}

/** What a zone gives to a placement. */
export interface ZoneUse {
  readonly numaNode: number
  readonly cpus: number
  readonly memoryBytes: number
}

/** What a request comes to at each zone, computed once per zone and not per worker. */
export class ZoneVerdicts {
  /** By zone slot: reasons that hold for every worker of the zone, by intent or configuration. */
  readonly standing: Int32Array
  /** By zone slot: jobs at once that intents and configuration leave each worker. */
  readonly limit: Float64Array
  /** By zone slot: the larger of CPU and memory pressure, -1 where neither is known. */
  readonly pressurePercent: Float64Array
  /** For workers that may use their own zone only. */
  readonly single: FitColumns
  /** For workers that may use every zone of their host. */
  readonly spanning: FitColumns
  readonly #snapshot: PlacementSnapshot
  readonly #request: ResolvedRequest
  readonly #options: ResolvedRankOptions
  /** Zones by boot id, for the hosts that were asked about. */
  readonly #hosts = new Map<string, readonly KnownZone[]>()
  readonly #cpu = { capacity: 0, used: 0 }
  readonly #memory = { capacity: 0, used: 0 }

  constructor(snapshot: PlacementSnapshot, request: ResolvedRequest, options: ResolvedRankOptions) {
    this.#snapshot = snapshot
    this.#request = request
    this.#options = options
    const { zones, fleet } = snapshot
    const { nowMs, reserved } = options
    this.standing = new Int32Array(zones.length)
    this.limit = new Float64Array(zones.length)
    this.pressurePercent = new Float64Array(zones.length)
    this.single = columns(zones.length)
    this.spanning = request.numa === NumaPreference.single ? this.single : columns(zones.length)
    const fleetBits = standingBits(fleet, nowMs)
    const fleetLimit = limitOf(fleet, nowMs)
    for (let slot = 0; slot < zones.length; slot++) {
      const entry = zones[slot]
      if (entry === undefined) continue
      this.standing[slot] = fleetBits | standingBits(entry, nowMs)
      this.limit[slot] = Math.min(fleetLimit, limitOf(entry, nowMs))
      this.pressurePercent[slot] = entry.pressurePercent
      this.#judge(slot, entry, roomOf(snapshot, slot, reserved))
    }
  }

  /**
   * What each zone would give to a request that a worker of this zone runs, its own zone first; empty where it does not
   * fit, or asks for nothing.
   */
  shares({ slot, bootId, numaNode, room }: ZoneEntry, isBound: boolean): readonly ZoneUse[] {
    const { cpus, memoryBytes, numa } = this.#request
    if (room === null || (cpus === 0 && memoryBytes === 0)) return []
    if (this.single.refusals[slot] === 0) return [{ numaNode, cpus, memoryBytes }]
    if (isBound || numa === NumaPreference.single) return []
    const zones = this.#zonesOf(bootId)
    const home = zones.find((zone) => zone.slot === slot)
    const shares = home === undefined ? undefined : divide(home, zones, this.#request, this.#turn)
    return (shares ?? []).map((share) => ({
      numaNode: share.zone.row.numaNode,
      cpus: share.cpus,
      memoryBytes: share.memoryBytes,
    }))
  }

  #zonesOf(bootId: string): readonly KnownZone[] {
    const known = this.#hosts.get(bootId)
    if (known !== undefined) return known
    const zones = knownZones(this.#snapshot, bootId, this.#options.reserved)
    this.#hosts.set(bootId, zones)
    return zones
  }

  get #turn(): number {
    const { ties } = this.#options
    return ties.kind === 'round-robin' ? ties.turn : ties.seed
  }

  #judge(slot: number, entry: ZoneEntry, room: ZoneRoom | undefined): void {
    const { single, spanning } = this
    const { cpus, memoryBytes } = this.#request
    if (room === undefined || (cpus > 0 && !room.isCpuKnown)) {
      // A request that asks for nothing fits anywhere.
      const refusals = cpus > 0 || memoryBytes > 0 ? refusalBit.headroomUnknown : 0
      write(single, slot, refusals, unknownScore, unknownScore)
      write(spanning, slot, refusals, unknownScore, unknownScore)
      return
    }
    if (cpus <= room.cpus && memoryBytes <= room.memoryBytes) {
      if (cpus <= room.freeCpus && memoryBytes <= room.freeMemoryBytes) {
        const fit = numaFit(1, roomLeft(room, cpus, memoryBytes))
        const allocation = this.#allocation(room, cpus, memoryBytes)
        write(single, slot, 0, fit, allocation)
        write(spanning, slot, 0, fit, allocation)
        return
      }
      write(single, slot, refusalBit.noHeadroom, 0, 0)
    } else write(single, slot, refusalBit.tooLarge, 0, 0)
    if (spanning !== single) this.#judgeHost(slot, entry)
  }

  #judgeHost(slot: number, { bootId }: ZoneEntry): void {
    const { cpus, memoryBytes } = this.#request
    const zones = this.#zonesOf(bootId)
    const home = zones.find((zone) => zone.slot === slot)
    let hostCpus = 0
    let hostBytes = 0
    for (const { room } of zones) {
      hostCpus += room.cpus
      hostBytes += room.memoryBytes
    }
    const isTooLarge = cpus > hostCpus || memoryBytes > hostBytes
    const shares = isTooLarge || home === undefined ? undefined : divide(home, zones, this.#request, this.#turn)
    if (shares === undefined || home === undefined) {
      write(this.spanning, slot, isTooLarge ? refusalBit.tooLarge : refusalBit.noHeadroom, 0, 0)
      return
    }
    let room = 1
    let allocation = 1
    for (const share of shares) {
      room = Math.min(room, roomLeft(share.zone.room, share.cpus, share.memoryBytes))
      allocation = Math.min(allocation, this.#allocation(share.zone.room, share.cpus, share.memoryBytes))
    }
    const distances = shares.map(({ zone }) => zoneDistance(home.row, zone.row.numaNode))
    const closeness = closenessOf(distances, this.#request.numa === NumaPreference.preferSingle)
    write(this.spanning, slot, 0, numaFit(closeness, room), allocation)
  }

  #allocation(room: ZoneRoom, cpus: number, memoryBytes: number): number {
    this.#cpu.capacity = room.cpus
    this.#cpu.used = room.cpus - room.freeCpus + cpus
    this.#memory.capacity = room.memoryBytes
    this.#memory.used = room.memoryBytes - room.freeMemoryBytes + memoryBytes
    return Math.min(1, Math.max(0, this.#options.allocation(this.#cpu, this.#memory)))
  }
}

function columns(count: number): FitColumns {
  return { refusals: new Int32Array(count), numaFit: new Float64Array(count), allocation: new Float64Array(count) }
}

function write(into: FitColumns, slot: number, refusals: number, fit: number, allocation: number): void {
  into.refusals[slot] = refusals
  into.numaFit[slot] = fit
  into.allocation[slot] = allocation
}

function standingBits({ pause, maintenance }: ZoneStanding, nowMs: number): number {
  const isPaused = pause !== null && pause.expiresMs > nowMs
  return (isPaused ? refusalBit.paused : 0) | (maintenance === null ? 0 : refusalBit.cordoned)
}

function limitOf({ limit, rebalance }: ZoneStanding, nowMs: number): number {
  const configured = limit ?? Number.POSITIVE_INFINITY
  if (rebalance === null || rebalance.expiresMs <= nowMs) return configured
  return Math.min(configured, rebalance.maxInFlight ?? Number.POSITIVE_INFINITY)
}
