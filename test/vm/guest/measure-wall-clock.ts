import { execFile } from 'node:child_process'
import { writeSync } from 'node:fs'
import os from 'node:os'
import { promisify } from 'node:util'
import { joinDomain } from '../../../src/pubsub/participant.js'
import { IntentIssuer } from '../../../src/roles/intents/intent-issuer.js'
import { FleetView } from '../../../src/views/fleet-view.js'
import type { StatusDocument } from '../../../src/views/status/status-document.js'
import type { WallClockMeasurement, WallClockPhase } from '../protocol.js'
import { SmallPlane } from './small-plane.js'
import { until } from './until.js'

const domain = 42
const hourMs = 3_600_000
/** Longer than a lease, and than every interval of the plane. */
const intentTtlMs = 15_000
/** Less than a step. */
const standingTtlMs = hourMs / 2
const lateWaitMs = 120_000
/** Rounds at most: on a busy machine an undisturbed round may take several tries. */
const mostRounds = 3

const kind = 'throttle-queue'
const standing = 'standing'

/** Sets the clock of the kernel forward and back by hours while a plane runs. */
export async function measureWallClock(): Promise<WallClockMeasurement> {
  const plane = await SmallPlane.start(domain)
  try {
    return await new ClockSteps(plane).measure()
  } finally {
    await plane.close()
  }
}

class ClockSteps {
  readonly #plane: SmallPlane
  readonly #issuer: IntentIssuer
  readonly #workerIds: string[] = []
  readonly #phases: WallClockPhase[] = []
  #standingSinceMs = 0

  constructor(plane: SmallPlane) {
    this.#plane = plane
    this.#issuer = new IntentIssuer(plane.scheduler.view, { issuer: 'measurement' })
  }

  async measure(): Promise<WallClockMeasurement> {
    await this.#start('early-1', 'early-2')
    this.#standingSinceMs = performance.now()
    this.#issuer.apply(kind, standing, { maxInFlight: 1 }, { ttlMs: standingTtlMs })
    let late: WallClockMeasurement['late'] | undefined
    for (let round = 1; round <= mostRounds; round++) {
      const phases = [await this.#phase(round, 0), await this.#phase(round, 1)]
      // Its incarnation is in the future once the clock is set back.
      if (round === 1) await this.#start('from-the-future')
      phases.push(await this.#phase(round, -2))
      late ??= await this.#joinLate()
      phases.push(await this.#phase(round, 1))
      this.#phases.push(...phases)
      if (phases.every(({ sightings }) => sightings.length === 0)) break
    }
    if (late === undefined) throw new Error('there was no round')
    return { phases: this.#phases, late }
  }

  async #start(...workerIds: readonly string[]): Promise<void> {
    for (const id of workerIds) this.#plane.command('worker', '--id', id, '--numa-node', '0', '--rest', '500ms')
    this.#workerIds.push(...workerIds)
    await this.#plane.seesAlive(this.#workerIds)
  }

  async #phase(round: number, hours: number): Promise<WallClockPhase> {
    const { scheduler, sightings } = this.#plane
    const target = `round ${round}, ${hours} h`
    // Not a report: it resets the silence timeout of the host.
    writeSync(1, `${target}\n`)
    const issuedMs = performance.now()
    const { intent } = this.#issuer.apply(kind, target, { maxInFlight: 1 }, { ttlMs: intentTtlMs })
    await until(`each participant is alive and keeps the intents (${target})`, () => {
      const { workers } = this.#plane.status()
      return (
        workers.every(({ liveliness }) => liveliness === 'alive') &&
        this.#workerIds.every((id) => holdsTo(workers, id, target) && holdsTo(workers, id, standing))
      )
    })
    const jobs = jobsByWorker(this.#plane.status())
    const told = sightings.length
    const aheadMs = Date.now() - performance.now()
    if (hours !== 0) await setClock(Date.now() + hours * hourMs)

    const working = new Set<string>()
    const heldMs: Record<string, number> = {}
    const ages = { leastMs: Number.POSITIVE_INFINITY, mostMs: Number.NEGATIVE_INFINITY }
    let longestLivelinessMs = 0
    await until(`the intent ends and workers complete jobs (${target})`, () => {
      const { nodes, workers } = this.#plane.status()
      const nowMs = performance.now()
      for (const { ageMs } of [...nodes, ...workers]) {
        ages.leastMs = Math.min(ages.leastMs, ageMs)
        ages.mostMs = Math.max(ages.mostMs, ageMs)
      }
      for (const { workerId, livelinessForMs, jobsCompleted } of workers) {
        longestLivelinessMs = Math.max(longestLivelinessMs, livelinessForMs)
        if (jobsCompleted > (jobs.get(workerId) ?? 0)) working.add(workerId)
        if (!holdsTo(workers, workerId, target)) heldMs[workerId] ??= Math.round(nowMs - issuedMs)
      }
      const held = scheduler.view.currentIntent(kind, target)
      if (held?.intent.intentId !== intent.intentId) heldMs.scheduler ??= Math.round(nowMs - issuedMs)
      return working.size === this.#workerIds.length && Object.keys(heldMs).length > this.#workerIds.length
    })
    await this.#plane.seesAlive(this.#workerIds)
    const { workers } = this.#plane.status()
    const held = this.#workerIds.filter((id) => holdsTo(workers, id, standing))
    return {
      round,
      hours,
      steppedMs: Math.round(Date.now() - performance.now() - aheadMs),
      workerIds: [...this.#workerIds],
      sightings: sightings.slice(told),
      ages,
      longestLivelinessMs,
      uptimeMs: os.uptime() * 1_000,
      working: [...working].sort(),
      ttlMs: intentTtlMs,
      heldMs,
      stillHeldBy: scheduler.view.currentIntent(kind, standing) === undefined ? held : [...held, 'scheduler'],
    }
  }

  async #joinLate(): Promise<WallClockMeasurement['late']> {
    const participant = await joinDomain({ domain, name: 'late' })
    const view = FleetView.open(participant)
    try {
      await view.synced({ signal: AbortSignal.timeout(lateWaitMs) })
      const { nodes, workers, intents } = view.status()
      return {
        nodes: nodes.length,
        alive: workers.filter(({ liveliness }) => liveliness === 'alive').map(({ workerId }) => workerId),
        expiresInMs: intents.find(({ target, holds }) => target === standing && holds)?.expiresInMs ?? null,
        shouldExpireInMs: Math.round(standingTtlMs - (performance.now() - this.#standingSinceMs)),
      }
    } finally {
      view.close()
      await participant.close()
    }
  }
}

function holdsTo(workers: StatusDocument['workers'], workerId: string, target: string): boolean {
  const worker = workers.find((one) => one.workerId === workerId)
  return worker?.appliedIntents.some((intent) => intent.kind === kind && intent.target === target) === true
}

function jobsByWorker({ workers }: StatusDocument): Map<string, number> {
  return new Map(workers.map(({ workerId, jobsCompleted }) => [workerId, jobsCompleted]))
}

/** Sets the clock by the `date` of the guest, to the second. */
async function setClock(toMs: number): Promise<void> {
  await promisify(execFile)('date', ['-s', `@${Math.round(toMs / 1_000)}`])
}
