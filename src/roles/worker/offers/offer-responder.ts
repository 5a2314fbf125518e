import { invalidArgument, NumacastError } from '../../../core/errors.js'
import { KeyedHeap } from '../../../core/keyed-heap.js'
import { errorText } from '../../../core/reporting/error-text.js'
import { type Offer, type OfferAnswer, placementAnswer, placementOffer } from '../../../plane/placement/offer.js'
import { toNote } from '../../../plane/vocabulary/text.js'
import type { Participant } from '../../../pubsub/participant.js'
import type { Reader } from '../../../pubsub/reader/reader.js'
import type { Writer } from '../../../pubsub/writer/writer.js'
import type { ClosedAdmission } from '../admission.js'
import type { DecideOffer, OfferDecision, OfferLoad } from './job-offer.js'

/** What a responder needs of its worker. */
export interface OfferHost {
  /** Why the worker takes no work, regardless of its load. */
  readonly pause: ClosedAdmission | null
  readonly offerLoad: Omit<OfferLoad, 'claimed'>
}

export interface OfferResponderComponents {
  readonly participant: Participant
  /** The partition in which the server of its node relays to it. */
  readonly down: string
  /** The partition in which the server of its node reads from it. */
  readonly up: string
  readonly workerId: string
  readonly host: OfferHost
  readonly decide: DecideOffer
}

interface Known {
  readonly offer: Offer
  readonly stop: AbortController
  /** It was claimed, and its job has not begun. */
  isClaimed: boolean
  hasBegun: boolean
}

const noRetry = { reason: null, retryAfterMs: null } as const

/** Answers the offers of dispatchers to a reactive worker, and knows what it has claimed. */
export class OfferResponder {
  readonly #components: OfferResponderComponents
  readonly #reader: Reader<Offer>
  readonly #writer: Writer<OfferAnswer>
  readonly #known = new Map<string, Known>()
  /** Keys of offers by the end of their time to live. */
  readonly #due = new KeyedHeap<string>()
  #stopped = false

  constructor(components: OfferResponderComponents) {
    const { participant, down, up, workerId } = components
    this.#components = components
    this.#writer = participant.writer(placementAnswer, { partition: up })
    const own = placementOffer.keyOf({ workerId, offerId: '' } as Offer)
    this.#reader = participant.reader(placementOffer, { partition: down, keyFilter: (key) => key.startsWith(own) })
    this.#reader.onSample(({ key, value, instanceState, writtenMs }) => {
      if (this.#stopped) return
      if (instanceState === 'disposed') this.#end(key, 'the offer was withdrawn')
      // The dispatcher may have left, or be out of reach: the offer stands until its time to live ends.
      else if (value !== undefined && instanceState === 'alive') this.#offered(key, value, writtenMs)
    })
  }

  /** Offers that were claimed and whose jobs have not begun. */
  get claimed(): number {
    let claimed = 0
    for (const { isClaimed } of this.#known.values()) if (isClaimed) claimed++
    return claimed
  }

  /** A job has begun: it counts as in flight from now on. */
  begun(jobId: string): void {
    for (const known of this.#known.values()) {
      if (known.offer.jobId !== jobId) continue
      known.isClaimed = false
      known.hasBegun = true
    }
  }

  /** Ends the offers whose time to live is over. To be called regularly. */
  maintain(): void {
    const nowMs = this.#components.participant.clock.nowMs()
    for (let key = this.#due.shift(nowMs); key !== undefined; key = this.#due.shift(nowMs)) {
      this.#end(key, 'the offer has expired')
    }
  }

  stop(): void {
    this.#stopped = true
  }

  /** Hands what is waiting to the lanes. */
  flush(): void {
    this.#writer.flush()
  }

  /** Idempotent. */
  close(): void {
    this.stop()
    for (const { stop } of this.#known.values()) stop.abort(ended('the worker closes'))
    this.#known.clear()
    this.#reader.close()
    this.#writer.close()
  }

  #offered(key: string, offer: Offer, writtenMs: number): void {
    const { participant } = this.#components
    const endsMs = writtenMs + offer.ttlMs
    if (this.#known.has(key) || offer.incarnation !== participant.incarnation) return
    if (endsMs <= participant.clock.nowMs()) {
      participant.counters.add('worker.offer-expired')
      return
    }
    const known: Known = { offer, stop: new AbortController(), isClaimed: false, hasBegun: false }
    this.#known.set(key, known)
    this.#due.set(key, endsMs)
    void this.#decide(key, known)
  }

  /** Never rejects. */
  async #decide(key: string, known: Known): Promise<void> {
    const { host, decide, participant } = this.#components
    const { workerId: _, incarnation: __, ...offer } = known.offer
    let decision: OfferDecision
    try {
      const asked = { ...offer, signal: known.stop.signal }
      const decided =
        host.pause === null
          ? decide(asked, { ...host.offerLoad, claimed: this.claimed })
          : { claim: false as const, reason: host.pause.reason }
      // Without a wait, a second offer is decided on after the first claim counts.
      decision = checkedDecision(decided instanceof Promise ? await decided : decided)
    } catch (error) {
      participant.counters.addCallbackError('worker.decide-failed', error)
      decision = { claim: false, reason: `the worker failed to decide: ${errorText(error)}` }
    }
    if (this.#known.get(key) !== known || this.#stopped) {
      participant.counters.add('worker.offer-gone')
      return
    }
    known.isClaimed = decision.claim && !known.hasBegun
    this.#answer(known.offer, decision)
  }

  #answer({ offerId, workerId, incarnation }: Offer, decision: OfferDecision): void {
    const answer = decision.claim
      ? { claimed: true, ...noRetry }
      : { claimed: false, reason: toNote(decision.reason), retryAfterMs: wholeMs(decision.retryAfterMs) }
    try {
      this.#writer.write({ offerId, workerId, incarnation, ...answer })
    } catch (error) {
      this.#components.participant.counters.addError('worker.publish-failed', error)
    }
  }

  #end(key: string, why: string): void {
    const known = this.#known.get(key)
    if (known === undefined) return
    this.#known.delete(key)
    this.#due.delete(key)
    if (!known.hasBegun) known.stop.abort(ended(why))
    try {
      this.#writer.dispose(key)
    } catch (error) {
      this.#components.participant.counters.addError('worker.publish-failed', error)
    }
  }
}

function ended(why: string): NumacastError {
  return new NumacastError('NUMACAST_CLOSED', why)
}

/** The application decides, and need not be compiled. @throws NumacastError NUMACAST_INVALID_ARGUMENT */
function checkedDecision(decision: OfferDecision): OfferDecision {
  const { claim, reason } = (decision ?? {}) as { readonly claim?: unknown; readonly reason?: unknown }
  if (claim === true || (claim === false && typeof reason === 'string')) return decision
  throw invalidArgument('decide must return { claim: true }, or { claim: false } with a reason')
}

function wholeMs(ms: number | undefined): number | null {
  return ms === undefined || !(ms >= 0 && ms < Number.MAX_SAFE_INTEGER) ? null : Math.ceil(ms)
}
