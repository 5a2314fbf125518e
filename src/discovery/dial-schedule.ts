import type { Random } from '../core/random.js'

/** A target to dial: a listed endpoint, or a participant that a peer has referred to. */
export interface DialTarget {
  /** The endpoint, or the participant's GUID. */
  readonly key: string
  readonly endpoints: readonly string[]
  readonly isListed: boolean
}

interface Entry extends DialTarget {
  endpoints: readonly string[]
  failures: number
  notBeforeMs: number
  inFlight: boolean
  isReached: boolean
}

/** A listed endpoint that answers is asked again this often, because another participant may answer there by then. */
export const listedIntervalMs = 10_000
/** Dialled at once; the others wait, in random order. */
const maxInFlight = 8
/** A referred target that does not answer is dialled this many times; a peer may refer to it again. Listed ones are dialled forever. */
const maxReferralAttempts = 4
/** Named by others and not reached yet. */
const maxReferrals = 1_024
const minRetryMs = 500
const maxRetryMs = 30_000
const jitter = 0.1

/** Decides which targets to dial, and when. Pure: `nowMs` is always an argument. */
export class DialSchedule {
  readonly #random: Random
  readonly #entries = new Map<string, Entry>()
  #inFlight = 0
  #referrals = 0

  constructor(random: Random) {
    this.#random = random
  }

  get size(): number {
    return this.#entries.size
  }

  /** The listed endpoints that answered when they were last asked. */
  reachedTargets(): DialTarget[] {
    return [...this.#entries.values()].filter(({ isListed, isReached }) => isListed && isReached)
  }

  /** These are listed, and no others. */
  list(endpoints: readonly string[]): void {
    for (const [key, { isListed }] of this.#entries) {
      if (isListed && !endpoints.includes(key)) this.#entries.delete(key)
    }
    for (const endpoint of endpoints) {
      if (!this.#entries.has(endpoint)) this.#add(endpoint, [endpoint], true)
    }
  }

  /** A peer has referred to this participant. Returns false when too many are known already. */
  addReferral(guid: string, endpoints: readonly string[]): boolean {
    const known = this.#entries.get(guid)
    if (known !== undefined) {
      known.endpoints = endpoints
      return true
    }
    if (this.#referrals >= maxReferrals) return false
    this.#referrals++
    this.#add(guid, endpoints, false)
    return true
  }

  /** Makes all listed targets due, because something has changed here that they should know. */
  makeListedDue(): void {
    for (const entry of this.#entries.values()) {
      if (!entry.isListed) continue
      entry.notBeforeMs = 0
      entry.isReached = false
    }
  }

  hasDue(nowMs: number): boolean {
    return [...this.#entries.values()].some((entry) => !entry.inFlight && nowMs >= entry.notBeforeMs)
  }

  /** Those to be dialled now, in random order; they count as being dialled until {@link answered} or {@link failed}. */
  take(nowMs: number): DialTarget[] {
    const due = [...this.#entries.values()].filter((entry) => !entry.inFlight && nowMs >= entry.notBeforeMs)
    const taken: Entry[] = []
    while (due.length > 0 && this.#inFlight < maxInFlight) {
      const [entry] = due.splice(Math.floor(this.#random() * due.length), 1)
      if (entry === undefined) break
      entry.inFlight = true
      this.#inFlight++
      taken.push(entry)
    }
    return taken
  }

  /** True when that is news: it had not been reached before. */
  answered({ key, isListed }: DialTarget, nowMs: number): boolean {
    this.#inFlight--
    const entry = this.#entries.get(key)
    if (entry === undefined) return false
    const isNews = !entry.isReached
    entry.isReached = true
    entry.inFlight = false
    entry.failures = 0
    entry.notBeforeMs = nowMs + this.#jittered(listedIntervalMs)
    if (!isListed) this.#drop(key)
    return isNews
  }

  failed({ key, isListed }: DialTarget, nowMs: number): void {
    this.#inFlight--
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    entry.isReached = false
    entry.inFlight = false
    entry.failures++
    entry.notBeforeMs = nowMs + this.#jittered(Math.min(maxRetryMs, minRetryMs * 2 ** Math.min(entry.failures - 1, 10)))
    if (!isListed && entry.failures >= maxReferralAttempts) this.#drop(key)
  }

  #add(key: string, endpoints: readonly string[], isListed: boolean): void {
    const entry = { key, endpoints, isListed, failures: 0, notBeforeMs: 0, inFlight: false, isReached: false }
    this.#entries.set(key, entry)
  }

  #drop(key: string): void {
    if (this.#entries.delete(key)) this.#referrals--
  }

  #jittered(delayMs: number): number {
    return delayMs * (1 + jitter * (2 * this.#random() - 1))
  }
}
