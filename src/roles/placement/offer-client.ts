import { raceSignal } from '../../core/abort.js'
import { closeEach } from '../../core/close-all.js'
import { NumacastError } from '../../core/errors.js'
import type { Subscription } from '../../core/reporting/listeners.js'
import { type Offer, type OfferAnswer, placementAnswer, placementOffer } from '../../plane/placement/offer.js'
import { planePartition } from '../../plane/vocabulary/partitions.js'
import type { Participant } from '../../pubsub/participant.js'
import type { Reader } from '../../pubsub/reader/reader.js'
import type { Writer } from '../../pubsub/writer/writer.js'
import { type EndedReservation, ReservationEnd, type SharedReservations } from './shared-reservations.js'

/** What came of one offer. */
export type OfferOutcome =
  | { readonly outcome: 'claimed' }
  | { readonly outcome: 'declined'; readonly reason: string; readonly retryAfterMs: number | null }
  /** The worker did not answer in time. */
  | { readonly outcome: 'unanswered'; readonly reason: string }
  /** The worker died, or another scheduler's reservation came first. */
  | { readonly outcome: 'lost'; readonly reason: string }

/** Offers jobs to reactive workers, and withdraws an offer when the reservation behind it ends. */
export class OfferClient {
  readonly #participant: Participant
  readonly #writer: Writer<Offer>
  readonly #answers: Reader<OfferAnswer>
  readonly #ends: Subscription
  /** Offers that stand, by their key. */
  readonly #standing = new Map<
    string,
    {
      readonly incarnation: number
      readonly settle: (outcome: OfferOutcome) => void
      readonly fail: (error: NumacastError) => void
    }
  >()
  /** Keys by reservation. */
  readonly #keys = new Map<string, string>()

  constructor(participant: Participant, reservations: SharedReservations) {
    const partition = planePartition
    this.#participant = participant
    this.#writer = participant.writer(placementOffer, { partition })
    this.#answers = participant.reader(placementAnswer, { partition, keyFilter: (key) => this.#standing.has(key) })
    this.#answers.onSample(({ key, value, instanceState }) => {
      if (value === undefined || instanceState !== 'alive') return
      const standing = this.#standing.get(key)
      if (standing?.incarnation === value.incarnation) standing.settle(outcomeOf(value))
    })
    this.#ends = reservations.onEnd((ended) => this.#reservationEnded(ended))
  }

  /**
   * Offers a job and waits for the answer. The offer stands afterwards if it was claimed, until its reservation ends.
   * @throws the signal's reason when it aborts; NumacastError NUMACAST_CLOSED, NUMACAST_INVALID_ARGUMENT
   */
  async offer(offer: Offer, timeoutMs: number, signal: AbortSignal | undefined): Promise<OfferOutcome> {
    const key = placementOffer.keyOf(offer)
    let settle: (outcome: OfferOutcome) => void = () => {}
    let fail: (error: NumacastError) => void = () => {}
    const answered = new Promise<OfferOutcome>((resolve, reject) => {
      settle = resolve
      fail = reject
    })
    this.#standing.set(key, { incarnation: offer.incarnation, settle, fail })
    this.#keys.set(offer.offerId, key)
    const reason = `no answer from ${offer.workerId} in ${timeoutMs} ms`
    const timer = this.#participant.clock.after(timeoutMs, () => settle({ outcome: 'unanswered', reason }))
    let outcome: OfferOutcome | undefined
    try {
      this.#writer.write(offer)
      outcome = await raceSignal(answered, signal)
      return outcome
    } finally {
      timer.cancel()
      if (outcome?.outcome !== 'claimed') this.#withdraw(offer.offerId)
    }
  }

  /** Idempotent. Offers that stand are withdrawn, and each call that waits for an answer rejects. */
  close(): void {
    const standing = [...this.#standing.values()]
    const closed = (): NumacastError =>
      new NumacastError('NUMACAST_CLOSED', 'closed before the worker answered the offer')
    closeEach([
      ...standing.map((each) => () => each.fail(closed())),
      ...[...this.#keys.keys()].map((offerId) => () => this.#withdraw(offerId)),
      () => this.#ends.close(),
      () => this.#answers.close(),
      () => this.#writer.close(),
    ])
  }

  #reservationEnded({ reservation, end }: EndedReservation): void {
    const key = this.#keys.get(reservation.reservationId)
    if (key === undefined) return
    const reason =
      end === ReservationEnd.refused
        ? `another scheduler has reserved at ${reservation.workerId} before`
        : `the reservation at ${reservation.workerId} has ended: ${end}`
    this.#standing.get(key)?.settle({ outcome: 'lost', reason })
    this.#withdraw(reservation.reservationId)
  }

  #withdraw(offerId: string): void {
    const key = this.#keys.get(offerId)
    if (key === undefined) return
    this.#keys.delete(offerId)
    this.#standing.delete(key)
    try {
      this.#writer.dispose(key)
    } catch (error) {
      // The participant's owner has closed it.
      if (error instanceof NumacastError) this.#participant.counters.addError('placements.withdraw-failed', error)
      else throw error
    }
  }
}

function outcomeOf({ claimed, reason, retryAfterMs }: OfferAnswer): OfferOutcome {
  return claimed ? { outcome: 'claimed' } : { outcome: 'declined', reason: reason ?? 'no reason given', retryAfterMs }
}
