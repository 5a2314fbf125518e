/** Signs of life that may be missing before their sender counts as not heard. */
const patienceIntervals = 3
/** Silence after which the peer is asked, in its own intervals: an answer comes before anybody counts it overdue. */
const askAfterIntervals = 2.5
/** Beacons in a row by multicast before a stream that stood in for it is given up. */
const steadyBeacons = 3
/** A peer met otherwise has this long to be heard by multicast, where answers to a newcomer come within milliseconds. */
const hearingMs = 250
/** How long a peer that has just been met is given to make itself known by a request of its own. */
const courtesyMs = 1_250
/** Between introductions to a peer that does not hear us, and between signs of presence. */
export const presenceIntervalMs = 2_000
/** A peer that did not hear us when it was first asked has this long to: our next sign of presence may be due only then. */
const secondHearingMs = 2.5 * presenceIntervalMs
/** Of those who met in the same instant, each is patient for another share of it: 0.7 to 1.1. */
const patienceShare = 0.7
const patienceSpread = 0.4
const maxRetryMs = 30_000
/** So much later a sign of life may come of one that says that its loop is late; more is silence. */
const maxSlackMs = 2_000
const jitter = 0.1
/** Intervals after which a sign of life is late, jitter and a busy loop included. */
const lateness = 1.5

/** What decides whether an introduction is due, besides what was heard. */
export interface HelloTerms {
  /** It writes what is read here. */
  readonly isSource: boolean
  /** It reads what is written here. */
  readonly isSink: boolean
  /** Only its own account of itself is wanted, for the built-in topics. */
  readonly isObserved: boolean
  readonly isDescribed: boolean
  /** The peer holds this participant's current descriptor, as far as it has said. */
  readonly isUpToDate: boolean
  /** It is being asked for what it has: an introduction would say and hear no more. */
  readonly isAsked: boolean
  /** Its silence counts from here: any frame of either lane ends it, an answer included, and being late takes off it. */
  readonly quietFromMs: number
}

/** What a beacon or a sign of presence says of when the next one comes. */
export interface LifeSign {
  readonly intervalMs: number
  readonly loopDelayMs: number
}

/** One way by which a peer's signs of life come in. */
interface Channel {
  lastMs: number
  intervalMs: number
  /** By how much the peer's loop is late, as it says: it is as busy as it can be, and asking it makes it busier. */
  slackMs: number
}

/**
 * How one peer and this participant hear each other: by multicast, by the stream that stands in for it, or only when
 * asked. Numbers in, answers out; `nowMs` is always an argument, and so is `timeoutMultiplier`, by which a listener that doubts
 * itself lengthens its patience: one that is short of CPU would else answer that with connections and requests.
 */
export class PeerReachability {
  #metMs: number
  readonly #beacons: Channel = silent(0)
  readonly #presence: Channel = silent(presenceIntervalMs)
  readonly #live: Channel = silent(0)
  readonly #introductions: Channel = silent(presenceIntervalMs)
  #beaconsInARow = 0
  /** The first request or answer between the two: from then on each knows the other. */
  #acquaintedMs: number | undefined
  readonly #secondHearingMs: number
  #receivesFromUs: boolean | null = null
  #toldMs = 0
  #introducing = false
  /** Answered since the peer last changed its mind on whether it hears us. */
  #introduced = false
  #failures = 0
  #notBeforeMs = 0

  /** @param chance uniform in [0, 1) */
  constructor(nowMs: number, chance: number) {
    this.#metMs = nowMs
    this.#secondHearingMs = secondHearingMs * (patienceShare + patienceSpread * chance)
  }

  /** Whether the peer hears this participant's frames, as far as it has said; null: it has not. */
  get receivesFromUs(): boolean | null {
    return this.#receivesFromUs
  }

  /** Until its next sign of life: the most frequent of those that still come. */
  intervalMs(nowMs: number): number {
    let shortestMs = Number.POSITIVE_INFINITY
    for (const channel of [this.#beacons, this.#live, this.#presence, this.#introductions]) {
      if (isOpen(channel, nowMs)) shortestMs = Math.min(shortestMs, channel.intervalMs)
    }
    return shortestMs === Number.POSITIVE_INFINITY ? presenceIntervalMs : shortestMs
  }

  /** A beacon by multicast. */
  beacon(sign: LifeSign, nowMs: number): void {
    this.#beaconsInARow = isOpen(this.#beacons, nowMs) ? this.#beaconsInARow + 1 : 1
    take(this.#beacons, sign, nowMs)
  }

  /** A sign of presence by multicast. */
  presence(sign: LifeSign, nowMs: number): void {
    take(this.#presence, sign, nowMs)
  }

  /** A beacon by the stream that stands in for multicast. */
  live(sign: LifeSign, nowMs: number): void {
    take(this.#live, sign, nowMs)
  }

  /** It introduced itself, and will again before `intervalMs` is over. */
  introducedItself(intervalMs: number, nowMs: number): void {
    take(this.#introductions, { intervalMs, loopDelayMs: 0 }, nowMs)
  }

  /** The listener itself was late by this much: it read nothing and showed nobody its presence meanwhile. */
  discountSilence(lateMs: number, nowMs: number): void {
    const later = (atMs: number): number => Math.min(nowMs, atMs + lateMs)
    for (const channel of [this.#beacons, this.#live, this.#presence, this.#introductions]) {
      channel.lastMs = later(channel.lastMs)
    }
    this.#metMs = later(this.#metMs)
    this.#toldMs = later(this.#toldMs)
    if (this.#acquaintedMs !== undefined) this.#acquaintedMs = later(this.#acquaintedMs)
  }

  /** The most that any way allows for. */
  get #slackMs(): number {
    return Math.max(this.#beacons.slackMs, this.#presence.slackMs, this.#live.slackMs)
  }

  /** One has asked the other something, and so made itself known. */
  acquainted(nowMs: number): void {
    this.#acquaintedMs ??= nowMs
  }

  /** The peer says whether it hears us. True when that is news: that all is well is none at first. */
  told(receivesFromUs: boolean, nowMs: number): boolean {
    const before = this.#receivesFromUs
    if (before === receivesFromUs) return false
    this.#receivesFromUs = receivesFromUs
    this.#toldMs = nowMs
    this.#introduced = false
    return !receivesFromUs || before !== null
  }

  /** It was silent for so long that it may have forgotten us. */
  lost(nowMs: number): void {
    this.#receivesFromUs = null
    this.#acquaintedMs = undefined
    this.#metMs = nowMs
  }

  /**
   * What is wanted of its frames arrives without anybody asking: of one that writes what is read here its beacons, of
   * others any sign.
   */
  hears(isSource: boolean, nowMs: number, timeoutMultiplier = 1): boolean {
    const isHeard = (channel: Channel): boolean => isOpen(channel, nowMs, askAfterIntervals * timeoutMultiplier)
    return isHeard(this.#beacons) || isHeard(this.#live) || (!isSource && isHeard(this.#presence))
  }

  /** What to tell the peer of that; undefined while it is too early to say that it is not heard. */
  statement(isSource: boolean, nowMs: number, timeoutMultiplier = 1): boolean | undefined {
    if (this.hears(isSource, nowMs, timeoutMultiplier)) return true
    // Nobody is solicited to show presence.
    const patienceMs = isSource ? hearingMs : lateness * presenceIntervalMs
    return nowMs - this.#metMs < patienceMs * timeoutMultiplier ? undefined : false
  }

  /**
   * Its most frequent signs have ceased, and others have come since: it is there. One that stands still gives no sign of
   * any kind, and that the rarer ones are not due yet says nothing.
   */
  isHeardOtherwise(nowMs: number): boolean {
    const channels = [this.#beacons, this.#live, this.#presence, this.#introductions]
    return channels.some(
      (channel) =>
        isOpen(channel, nowMs) &&
        channels.every(
          (other) =>
            other.intervalMs >= channel.intervalMs || channel.lastMs > other.lastMs + lateness * other.intervalMs,
        ),
    )
  }

  /** Beacons of it have come by multicast at some time. */
  get isBeaconing(): boolean {
    return this.#beacons.lastMs !== Number.NEGATIVE_INFINITY
  }

  /**
   * Whether a stream should stand in for multicast.
   * @param hasStream one does: it stays until beacons have come by multicast for a while, or nothing comes at all
   * @param lastReceivedMs of any frame: a peer that is silent altogether has nothing to say over a stream either
   */
  needsStream(hasStream: boolean, lastReceivedMs: number, nowMs: number, timeoutMultiplier = 1): boolean {
    if (!this.isBeaconing) return hasStream || nowMs - this.#metMs >= hearingMs * timeoutMultiplier
    if (isOpen(this.#beacons, nowMs, patienceIntervals * timeoutMultiplier)) {
      return hasStream && this.#beaconsInARow < steadyBeacons
    }
    return hasStream || lastReceivedMs > this.#beacons.lastMs + this.#beacons.intervalMs
  }

  /** Whether this participant should introduce itself to the peer now. */
  isIntroductionDue(terms: HelloTerms, nowMs: number, timeoutMultiplier = 1): boolean {
    if (this.#introducing || terms.isAsked || nowMs < this.#notBeforeMs) return false
    // One that sends beacons is asked for its descriptor anyway; a reader asks us, if it hears us.
    if (!terms.isDescribed) return !this.isBeaconing && nowMs - this.#metMs >= courtesyMs * timeoutMultiplier
    const isRelated = terms.isSource || terms.isSink
    if (!isRelated && !terms.isObserved) return false
    const silenceMs = nowMs - terms.quietFromMs
    if (silenceMs > askAfterIntervals * timeoutMultiplier * this.intervalMs(nowMs) + this.#slackMs) return true
    // Its signs of presence still come, and the beacons that are wanted more have ceased.
    if ((terms.isSource || terms.isObserved) && this.isBeaconing && !this.hears(true, nowMs, timeoutMultiplier))
      return true
    if (!isRelated) return false
    if (this.#receivesFromUs === null) {
      const acquaintedMs = this.#acquaintedMs
      return acquaintedMs === undefined
        ? nowMs - this.#metMs >= courtesyMs * timeoutMultiplier
        : nowMs - acquaintedMs >= this.#secondHearingMs * timeoutMultiplier
    }
    if (this.#receivesFromUs) return false
    return this.#introduced || !terms.isUpToDate || nowMs - this.#toldMs >= this.#secondHearingMs * timeoutMultiplier
  }

  introducing(): void {
    this.#introducing = true
  }

  /** @param chance uniform in [0, 1): introductions of those who began together drift apart */
  introductionAnswered(nowMs: number, chance: number): void {
    this.#introducing = false
    this.#introduced = true
    this.#failures = 0
    this.#notBeforeMs = nowMs + presenceIntervalMs * (1 - jitter * chance)
  }

  /** Tried again after half a second, and after each failure twice as long as before. */
  introductionFailed(nowMs: number, chance: number): void {
    this.#introducing = false
    this.#failures++
    const delayMs = Math.min(maxRetryMs, 250 * 2 ** Math.min(this.#failures, 10))
    this.#notBeforeMs = nowMs + delayMs * (1 - 2 * jitter * chance)
  }
}

function silent(intervalMs: number): Channel {
  return { lastMs: Number.NEGATIVE_INFINITY, intervalMs, slackMs: 0 }
}

function take(channel: Channel, { intervalMs, loopDelayMs }: LifeSign, nowMs: number): void {
  channel.lastMs = nowMs
  channel.intervalMs = intervalMs
  channel.slackMs = Math.min(maxSlackMs, 2 * loopDelayMs)
}

function isOpen({ lastMs, intervalMs, slackMs }: Channel, nowMs: number, intervals = patienceIntervals): boolean {
  return nowMs - lastMs <= intervals * intervalMs + slackMs
}
