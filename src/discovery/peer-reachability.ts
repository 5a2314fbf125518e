/** Signs of life that may be missing before their sender counts as not received. */
const toleratedIntervals = 3
/** Silence after which the peer is asked, in its own intervals: an answer comes before it counts as overdue. */
const askAfterIntervals = 2.5
/** Beacons in a row by multicast before the stream that stands in for it is closed. */
const steadyBeacons = 3
/** Time for the multicast of a new peer to arrive. Answers to a newcomer come within milliseconds. */
const firstMulticastMs = 250
/** Time for a new peer to describe itself by a request of its own. */
const ownRequestMs = 1_250
/** Time between hellos to a peer that does not receive our multicast, and between signs of presence. */
export const presenceIntervalMs = 2_000
/** Time for our multicast to reach a peer that had not received it at first. Our next sign of presence may be due only then. */
const secondReceptionMs = 2.5 * presenceIntervalMs
/** Participants that meet at the same instant wait for different shares of it: 0.7 to 1.1. */
const waitShare = 0.7
const waitSpread = 0.4
const maxRetryMs = 30_000
/** Most by which a peer's reported loop delay extends the time for its sign of life. */
const maxSlackMs = 2_000
const jitter = 0.1
/** Intervals after which a sign of life is late, jitter and a busy loop included. */
const lateness = 1.5

/** What decides whether a hello is due, besides the frames that arrived. */
export interface HelloTerms {
  /** It writes what is read here. */
  readonly isSource: boolean
  /** It reads what is written here. */
  readonly isSink: boolean
  /** Only its descriptor is wanted, for the built-in topics. */
  readonly isObserved: boolean
  readonly isDescribed: boolean
  /** The peer has reported that it holds this participant's current descriptor. */
  readonly isUpToDate: boolean
  /** A pull request to it is under way: a hello would add nothing. */
  readonly isAsked: boolean
  /** Its silence counts from here. Any frame of either lane ends it, an answer included. This participant's own delay is subtracted. */
  readonly quietFromMs: number
}

/** What a beacon or a sign of presence tells of the time of the next one. */
export interface LifeSign {
  readonly intervalMs: number
  readonly loopDelayMs: number
}

/** One path by which a peer's signs of life arrive. */
interface Channel {
  lastMs: number
  intervalMs: number
  /** Extra time for a peer whose loop is late by its own report: it is busy, and asking makes it busier. */
  slackMs: number
}

/**
 * Tracks how frames pass between one peer and this participant: by multicast, by the stream that stands in for it, or
 * only on request. Pure: `nowMs` is always an argument. So is `timeoutMultiplier`, by which a participant that suspects
 * itself lengthens its timeouts; otherwise a lack of CPU would cause connections and requests.
 */
export class PeerReachability {
  #metMs: number
  readonly #beacons: Channel = silent(0)
  readonly #presence: Channel = silent(presenceIntervalMs)
  readonly #live: Channel = silent(0)
  readonly #hellos: Channel = silent(presenceIntervalMs)
  #beaconsInARow = 0
  /** The first request or answer between the two: from then on each knows the other. */
  #contactedMs: number | undefined
  readonly #secondReceptionMs: number
  #receivesFromUs: boolean | null = null
  #reportedMs = 0
  #isGreeting = false
  /** A hello has been answered since the peer's last report on reception changed. */
  #isGreeted = false
  #failures = 0
  #notBeforeMs = 0

  /** @param chance uniform in [0, 1) */
  constructor(nowMs: number, chance: number) {
    this.#metMs = nowMs
    this.#secondReceptionMs = secondReceptionMs * (waitShare + waitSpread * chance)
  }

  /** Whether the peer has reported that it receives this participant's multicast; null: no report yet. */
  get receivesFromUs(): boolean | null {
    return this.#receivesFromUs
  }

  /** Returns the time until its next sign of life, by the most frequent ones that still arrive. */
  intervalMs(nowMs: number): number {
    let shortestMs = Number.POSITIVE_INFINITY
    for (const channel of [this.#beacons, this.#live, this.#presence, this.#hellos]) {
      if (isOpen(channel, nowMs)) shortestMs = Math.min(shortestMs, channel.intervalMs)
    }
    return shortestMs === Number.POSITIVE_INFINITY ? presenceIntervalMs : shortestMs
  }

  /** A beacon has arrived by multicast. */
  beacon(sign: LifeSign, nowMs: number): void {
    this.#beaconsInARow = isOpen(this.#beacons, nowMs) ? this.#beaconsInARow + 1 : 1
    take(this.#beacons, sign, nowMs)
  }

  /** A sign of presence has arrived by multicast. */
  presence(sign: LifeSign, nowMs: number): void {
    take(this.#presence, sign, nowMs)
  }

  /** A beacon has arrived by the stream that stands in for multicast. */
  live(sign: LifeSign, nowMs: number): void {
    take(this.#live, sign, nowMs)
  }

  /** The peer has sent a hello, and will send another within `intervalMs`. */
  helloReceived(intervalMs: number, nowMs: number): void {
    take(this.#hellos, { intervalMs, loopDelayMs: 0 }, nowMs)
  }

  /** This participant itself was late by this much: it read nothing and sent no sign of presence meanwhile. */
  discountSilence(lateMs: number, nowMs: number): void {
    const later = (atMs: number): number => Math.min(nowMs, atMs + lateMs)
    for (const channel of [this.#beacons, this.#live, this.#presence, this.#hellos]) {
      channel.lastMs = later(channel.lastMs)
    }
    this.#metMs = later(this.#metMs)
    this.#reportedMs = later(this.#reportedMs)
    if (this.#contactedMs !== undefined) this.#contactedMs = later(this.#contactedMs)
  }

  /** The largest slack of all paths. */
  get #slackMs(): number {
    return Math.max(this.#beacons.slackMs, this.#presence.slackMs, this.#live.slackMs)
  }

  /** A request or an answer has passed between the two, so each knows the other. */
  contacted(nowMs: number): void {
    this.#contactedMs ??= nowMs
  }

  /** The peer has reported whether it receives our multicast. Returns true for a change; a first positive report is none. */
  receptionReported(receivesFromUs: boolean, nowMs: number): boolean {
    const before = this.#receivesFromUs
    if (before === receivesFromUs) return false
    this.#receivesFromUs = receivesFromUs
    this.#reportedMs = nowMs
    this.#isGreeted = false
    return !receivesFromUs || before !== null
  }

  /** The peer was silent long enough to have forgotten this participant. */
  lost(nowMs: number): void {
    this.#receivesFromUs = null
    this.#contactedMs = undefined
    this.#metMs = nowMs
  }

  /** Whether the wanted frames arrive without a request: the beacons of a source, any sign of other peers. */
  isReceiving(isSource: boolean, nowMs: number, timeoutMultiplier = 1): boolean {
    const isArriving = (channel: Channel): boolean => isOpen(channel, nowMs, askAfterIntervals * timeoutMultiplier)
    return isArriving(this.#beacons) || isArriving(this.#live) || (!isSource && isArriving(this.#presence))
  }

  /** Returns what to report to the peer on that; undefined while it is too early for a negative report. */
  receptionReport(isSource: boolean, nowMs: number, timeoutMultiplier = 1): boolean | undefined {
    if (this.isReceiving(isSource, nowMs, timeoutMultiplier)) return true
    // Signs of presence are not solicited.
    const limitMs = isSource ? firstMulticastMs : lateness * presenceIntervalMs
    return nowMs - this.#metMs < limitMs * timeoutMultiplier ? undefined : false
  }

  /**
   * Whether its most frequent signs have ceased, and other ones have arrived since: then it is there. A stopped process
   * gives no sign of any kind, and rarer signs that are not due yet prove nothing.
   */
  isReceivedOtherwise(nowMs: number): boolean {
    const channels = [this.#beacons, this.#live, this.#presence, this.#hellos]
    return channels.some(
      (channel) =>
        isOpen(channel, nowMs) &&
        channels.every(
          (other) =>
            other.intervalMs >= channel.intervalMs || channel.lastMs > other.lastMs + lateness * other.intervalMs,
        ),
    )
  }

  /** Whether a beacon of it has ever arrived by multicast. */
  get isBeaconing(): boolean {
    return this.#beacons.lastMs !== Number.NEGATIVE_INFINITY
  }

  /**
   * Whether a stream should stand in for multicast.
   * @param hasStream one does: it stays until several beacons in a row have arrived by multicast
   * @param lastReceivedMs of any frame: a peer that is entirely silent would be silent on a stream too
   */
  needsStream(hasStream: boolean, lastReceivedMs: number, nowMs: number, timeoutMultiplier = 1): boolean {
    if (!this.isBeaconing) return hasStream || nowMs - this.#metMs >= firstMulticastMs * timeoutMultiplier
    if (isOpen(this.#beacons, nowMs, toleratedIntervals * timeoutMultiplier)) {
      return hasStream && this.#beaconsInARow < steadyBeacons
    }
    return hasStream || lastReceivedMs > this.#beacons.lastMs + this.#beacons.intervalMs
  }

  /** Whether this participant should send the peer a hello now. */
  isHelloDue(terms: HelloTerms, nowMs: number, timeoutMultiplier = 1): boolean {
    if (this.#isGreeting || terms.isAsked || nowMs < this.#notBeforeMs) return false
    // A peer that sends beacons is asked for its descriptor anyway. A reader asks us, if it receives our multicast.
    if (!terms.isDescribed) return !this.isBeaconing && nowMs - this.#metMs >= ownRequestMs * timeoutMultiplier
    const isRelated = terms.isSource || terms.isSink
    if (!isRelated && !terms.isObserved) return false
    const silenceMs = nowMs - terms.quietFromMs
    if (silenceMs > askAfterIntervals * timeoutMultiplier * this.intervalMs(nowMs) + this.#slackMs) return true
    // Its signs of presence still arrive, and its beacons, which matter more, have ceased.
    if ((terms.isSource || terms.isObserved) && this.isBeaconing && !this.isReceiving(true, nowMs, timeoutMultiplier))
      return true
    if (!isRelated) return false
    if (this.#receivesFromUs === null) {
      const contactedMs = this.#contactedMs
      return contactedMs === undefined
        ? nowMs - this.#metMs >= ownRequestMs * timeoutMultiplier
        : nowMs - contactedMs >= this.#secondReceptionMs * timeoutMultiplier
    }
    if (this.#receivesFromUs) return false
    return (
      this.#isGreeted || !terms.isUpToDate || nowMs - this.#reportedMs >= this.#secondReceptionMs * timeoutMultiplier
    )
  }

  helloSent(): void {
    this.#isGreeting = true
  }

  /** @param chance uniform in [0, 1): hellos that began together drift apart */
  helloAnswered(nowMs: number, chance: number): void {
    this.#isGreeting = false
    this.#isGreeted = true
    this.#failures = 0
    this.#notBeforeMs = nowMs + presenceIntervalMs * (1 - jitter * chance)
  }

  /** Retries after 0.5 s, and after each failure twice as long as before. */
  helloFailed(nowMs: number, chance: number): void {
    this.#isGreeting = false
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

function isOpen({ lastMs, intervalMs, slackMs }: Channel, nowMs: number, intervals = toleratedIntervals): boolean {
  return nowMs - lastMs <= intervals * intervalMs + slackMs
}
