import { NumacastError } from '../core/errors.js'
import type { Subscription } from '../core/reporting/listeners.js'
import type { Clock, Timer } from '../core/time/clock.js'
import type { Participant } from '../pubsub/participant.js'
import type { FleetReaders } from './fleet-readers.js'
import { Freshness } from './freshness/freshness.js'
import { FreshnessError } from './freshness/freshness-error.js'
import type { OwnerLag } from './freshness/owner-lag.js'
import { type FleetReadOptions, type ResolvedRead, resolveFleetRead } from './freshness/read-options.js'
import type { ReadWitness } from './freshness/read-witness.js'
import { ownerText, type ReadFacts, type ReadRefusal, RefusalReason, refusalsOf, refuse } from './freshness/refusals.js'
import { OwnerFence } from './owner-fence.js'
import type { StatusDocument } from './status/status-document.js'

/** The answer to a read: what the view shows, and what can be claimed of it. */
export interface FleetRead<T = StatusDocument> {
  readonly data: T
  readonly witness: ReadWitness
}

/** What a view shows now, and what decides whether that may be served. */
export interface Observation<T> {
  readonly data: T
  readonly facts: ReadFacts
  readonly witness: ReadWitness
}

export interface FleetReadsComponents {
  readonly participant: Participant
  readonly readers: FleetReaders
  /** Aborts when the view closes. */
  readonly closing: AbortSignal
}

/** How often a read that waits is judged again although nothing has arrived: ages pass, and owners are given up. */
const recheckMs = 50

/** Serves reads as they are asked for, or refuses them. */
export class FleetReads {
  readonly #components: FleetReadsComponents
  readonly #served: Record<Freshness, number> = { strong: 0, bounded: 0, 'best-effort': 0 }
  readonly #refused: Record<RefusalReason, number>

  constructor(components: FleetReadsComponents) {
    this.#components = components
    const none = Object.values(RefusalReason).map((reason) => [reason, 0])
    this.#refused = Object.fromEntries(none) as Record<RefusalReason, number>
  }

  /** Reads that were served, by the freshness that they asked for. */
  get served(): Readonly<Record<Freshness, number>> {
    return { ...this.#served }
  }

  /** Reads that were refused, by reason; a read counts once for each of its reasons. */
  get refused(): Readonly<Record<RefusalReason, number>> {
    return { ...this.#refused }
  }

  /**
   * @param look looks at the view; called again while the answer cannot be served
   * @throws FreshnessError (NUMACAST_FRESHNESS) when it cannot be served in time; NumacastError
   *   NUMACAST_INVALID_ARGUMENT; NUMACAST_CLOSED when the view closes first; the signal's reason when it aborts
   */
  async read<T>(options: FleetReadOptions, look: () => Observation<T>): Promise<FleetRead<T>> {
    const request = resolveFleetRead(options)
    const { participant, readers, closing } = this.#components
    const { clock } = participant
    const deadlineMs = clock.nowMs() + request.timeoutMs
    const ending = new AbortController()
    const waiting = new Wakeups(clock)
    const fence =
      request.freshness === Freshness.strong
        ? new OwnerFence({ participant, deadlineMs, signal: ending.signal, settled: () => waiting.wake() })
        : undefined
    const wake = (): void => waiting.wake()
    const ends = [closing, ...(request.signal === undefined ? [] : [request.signal])]
    for (const signal of ends) signal.addEventListener('abort', wake, { once: true })
    let progress: Subscription | undefined
    try {
      for (;;) {
        this.#throwIfStopped(request)
        fence?.ask(readers.owners(readers.lags()).map(({ participant: owner }) => owner))
        // What arrived while this process was late would pass for new.
        if (request.freshness !== Freshness.bestEffort) await participant.socketsRead()
        this.#throwIfStopped(request)
        const attempt = this.#attempt(request, fence, look)
        if ('data' in attempt) return attempt
        const leftMs = deadlineMs - clock.nowMs()
        if (leftMs <= 0 || isFinal(attempt, fence)) throw this.#refuse(request, attempt, look().witness)
        progress ??= readers.onProgress(wake)
        await waiting.next(Math.min(leftMs, recheckMs))
      }
    } finally {
      progress?.close()
      waiting.close()
      ending.abort()
      for (const signal of ends) signal.removeEventListener('abort', wake)
    }
  }

  #throwIfStopped({ signal }: ResolvedRead): void {
    const { closing } = this.#components
    if (closing.aborted) throw new NumacastError('NUMACAST_CLOSED', 'the view of the fleet is closed')
    signal?.throwIfAborted()
  }

  /** Returns the answer, or why there is none yet. */
  #attempt<T>(
    request: ResolvedRead,
    fence: OwnerFence | undefined,
    look: () => Observation<T>,
  ): FleetRead<T> | Refused {
    const early = this.#earlyRefusals(request, fence)
    if (early.length > 0) return { refusals: early }
    const { data, facts, witness } = look()
    const refusals = refusalsOf(request, facts)
    if (refusals.length > 0) return { refusals }
    this.#served[request.freshness]++
    return { data, witness: servedAs(request, witness) }
  }

  /** What refuses the read whatever the view shows. Cheap: it does not look at that. */
  #earlyRefusals({ token }: ResolvedRead, fence: OwnerFence | undefined): ReadRefusal[] {
    const { readers } = this.#components
    const lags = readers.lags()
    const refOf = (owner: OwnerLag['participant']) => readers.refOf(owner)
    const behind = fence?.refusals(lags, refOf) ?? []
    const unmet = token.owners.size === 0 ? [] : readers.position.unmet(token, lags)
    const refusals = unmet.map(({ participant, detail }) => {
      const owner = refOf(participant)
      return refuse(RefusalReason.token, owner, `the required token is not reached for ${ownerText(owner)}: ${detail}`)
    })
    return [...behind, ...refusals]
  }

  #refuse(request: ResolvedRead, { refusals }: Refused, witness: ReadWitness): FreshnessError {
    const { freshness, maxLagSamples, maxAgeMs, requiredToken, timeoutMs } = request
    for (const reason of new Set(refusals.map((refusal) => refusal.reason))) this.#refused[reason]++
    return new FreshnessError({ freshness, maxLagSamples, maxAgeMs, requiredToken, timeoutMs }, refusals, witness)
  }
}

interface Refused {
  readonly refusals: readonly ReadRefusal[]
}

/** Whether an owner that the read depends on has failed to answer. */
function isFinal({ refusals }: Refused, fence: OwnerFence | undefined): boolean {
  return refusals.some(({ owner }) => owner !== null && fence?.hasFailed(owner.participant) === true)
}

/** A best-effort answer is labelled as what it is. */
function servedAs({ freshness }: ResolvedRead, witness: ReadWitness): ReadWitness {
  return freshness === Freshness.bestEffort ? witness : { ...witness, servedFreshness: freshness }
}

/**
 * Holds its one caller until {@link wake}, at most for a time. Unlike a condition that is tested, a wake-up before the
 * call of {@link next} is remembered.
 */
class Wakeups {
  readonly #clock: Clock
  #isDue = false
  #resolve: (() => void) | undefined
  #timer: Timer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  wake(): void {
    this.#isDue = true
    this.#resume()
  }

  next(limitMs: number): Promise<void> {
    if (this.#isDue) {
      this.#isDue = false
      return Promise.resolve()
    }
    return new Promise((resolve) => {
      this.#resolve = () => {
        this.#isDue = false
        resolve()
      }
      this.#timer = this.#clock.after(limitMs, () => this.#resume())
    })
  }

  close(): void {
    this.#resume()
  }

  #resume(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    const resolve = this.#resolve
    this.#resolve = undefined
    resolve?.()
  }
}
