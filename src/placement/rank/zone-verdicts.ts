import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import type { ZoneEntry, ZoneStanding } from '../../views/snapshot/zone-table.js'
import { refusalBit } from '../filter/refusal.js'
import { divide, roomOf, type ZoneRoom, type ZoneShare } from '../fit/zone-room.js'
import type { ResolvedRequest } from '../request/placement-request.js'
import type { AllocationFormula } from '../score/allocation.js'
import { numaFit } from '../score/numa-fit.js'
import { unknownScore } from '../score/terms.js'
import type { ResolvedRankOptions } from './rank-options.js'

/** How a request fits a zone, as the home of a worker: which reasons refuse it, and what it scores. */
export interface ZoneVerdict {
  readonly refusals: number
  readonly numaFit: number
  readonly allocation: number
  /** What each zone would give; empty where it does not fit, or nothing is known. */
  readonly shares: readonly ZoneShare[]
}

/** What the zones say about a request, computed once per zone and not per worker. */
export class ZoneVerdicts {
  /** By zone slot: reasons that hold for every worker of the zone, by intent or configuration. */
  readonly standing: Int32Array
  /** By zone slot: jobs at once that intents and configuration leave each worker. */
  readonly limit: Float64Array
  /** By zone slot: the larger of CPU and memory pressure, -1 where neither is known. */
  readonly pressurePercent: Float64Array
  /** By zone slot, for a worker that may use its own zone only. */
  readonly single: readonly ZoneVerdict[]
  /** By zone slot, for a worker that may use every zone of its host. */
  readonly spanning: readonly ZoneVerdict[]

  constructor(snapshot: PlacementSnapshot, request: ResolvedRequest, options: ResolvedRankOptions) {
    const count = snapshot.zones.length
    this.standing = new Int32Array(count)
    this.limit = new Float64Array(count)
    this.pressurePercent = new Float64Array(count)
    const rooms = snapshot.zones.map((_, slot) => roomOf(snapshot, slot, options.reserved))
    const judge = new ZoneJudge(snapshot, rooms, request, options)
    const single: ZoneVerdict[] = []
    const spanning: ZoneVerdict[] = []
    for (const [slot, entry] of snapshot.zones.entries()) {
      if (entry === undefined) {
        single.push(unknownZone)
        spanning.push(unknownZone)
        continue
      }
      this.standing[slot] = standingBits(snapshot.fleet, options.nowMs) | standingBits(entry, options.nowMs)
      this.limit[slot] = Math.min(limitOf(snapshot.fleet, options.nowMs), limitOf(entry, options.nowMs))
      this.pressurePercent[slot] = pressureOf(entry)
      const alone = judge.single(rooms[slot])
      single.push(alone)
      spanning.push(request.numa === 'single' || alone.refusals === 0 ? alone : judge.spanning(entry, rooms[slot]))
    }
    this.single = single
    this.spanning = spanning
  }
}

const unknownZone: ZoneVerdict = Object.freeze({
  refusals: 0,
  numaFit: unknownScore,
  allocation: unknownScore,
  shares: [],
})

class ZoneJudge {
  readonly #snapshot: PlacementSnapshot
  readonly #rooms: readonly (ZoneRoom | undefined)[]
  readonly #request: ResolvedRequest
  readonly #formula: AllocationFormula
  readonly #turn: number

  constructor(
    snapshot: PlacementSnapshot,
    rooms: readonly (ZoneRoom | undefined)[],
    request: ResolvedRequest,
    { allocation, ties }: ResolvedRankOptions,
  ) {
    this.#snapshot = snapshot
    this.#rooms = rooms
    this.#request = request
    this.#formula = allocation
    this.#turn = ties.kind === 'round-robin' ? ties.turn : ties.seed
  }

  single(room: ZoneRoom | undefined): ZoneVerdict {
    const { cpus, memoryBytes } = this.#request
    if (room === undefined) return this.#unknown()
    if (cpus > room.cpus || memoryBytes > room.memoryBytes) return refused(refusalBit.tooLarge)
    if (cpus > room.freeCpus || memoryBytes > room.freeMemoryBytes) return refused(refusalBit.noHeadroom)
    return this.#fits(room, [{ room, cpus, memoryBytes }])
  }

  spanning({ host }: ZoneEntry, home: ZoneRoom | undefined): ZoneVerdict {
    const { cpus, memoryBytes } = this.#request
    if (home === undefined) return this.#unknown()
    const rooms = this.#snapshot.zonesOf(host).flatMap(({ slot }) => this.#rooms[slot] ?? [])
    const sum = (of: (room: ZoneRoom) => number): number => rooms.reduce((total, room) => total + of(room), 0)
    if (cpus > sum((room) => room.cpus) || memoryBytes > sum((room) => room.memoryBytes)) {
      return refused(refusalBit.tooLarge)
    }
    const shares = divide(home, rooms, cpus, memoryBytes, this.#turn)
    return shares === undefined ? refused(refusalBit.noHeadroom) : this.#fits(home, shares)
  }

  #fits(home: ZoneRoom, shares: readonly ZoneShare[]): ZoneVerdict {
    let allocation = 1
    for (const { room, cpus, memoryBytes } of shares) {
      const cpu = { capacity: room.cpus, used: room.cpus - room.freeCpus + cpus }
      const memory = { capacity: room.memoryBytes, used: room.memoryBytes - room.freeMemoryBytes + memoryBytes }
      allocation = Math.min(allocation, Math.max(0, this.#formula(cpu, memory)))
    }
    return {
      refusals: 0,
      numaFit: numaFit(home, shares, this.#request.numa === 'prefer-single'),
      allocation,
      shares,
    }
  }

  /** A request that asks for nothing fits anywhere. */
  #unknown(): ZoneVerdict {
    const { cpus, memoryBytes } = this.#request
    return cpus > 0 || memoryBytes > 0 ? refused(refusalBit.headroomUnknown) : unknownZone
  }
}

function refused(refusals: number): ZoneVerdict {
  return { refusals, numaFit: 0, allocation: 0, shares: [] }
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

function pressureOf({ row }: ZoneEntry): number {
  return Math.max(row?.cpuPressurePercent ?? -1, row?.memoryPressurePercent ?? -1)
}
