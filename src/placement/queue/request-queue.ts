import type { WaitOptions } from '../../core/abort.js'
import { NumacastError } from '../../core/errors.js'
import { Mailbox } from '../../core/mailbox.js'
import { Counters } from '../../core/reporting/counters.js'
import { Listeners, type Subscription } from '../../core/reporting/listeners.js'
import type { RefusalCounts } from '../rank/place.js'
import type { ResolvedRequest } from '../request/placement-request.js'
import { DeficitRoundRobin } from './deficit-round-robin.js'
import { LazyHeap } from './lazy-heap.js'
import { bandCount, bandOf, costUnit, resolveBandWeights } from './priority-bands.js'
import {
  type PlacementOutcome,
  type Placer,
  type RequestEvent,
  type RequestReport,
  RequestState,
} from './queued-request.js'
import {
  type RequestQueueOptions,
  type ResolvedRequestQueueOptions,
  resolveRequestQueueOptions,
  resolveSubmitOptions,
  type SubmitOptions,
} from './request-queue-options.js'

interface Entry<P> {
  readonly requestId: string
  readonly seq: number
  readonly request: ResolvedRequest
  /** Equal for requests that are placed alike. */
  readonly shape: string
  readonly band: number
  readonly cost: number
  readonly idempotencyKey: string | null
  readonly submittedMs: number
  readonly deadlineMs: number | null
  readonly waitForWorker: boolean
  state: RequestState
  attempts: number
  /** While it waits: when it is tried again. */
  retryMs: number
  refusals: RefusalCounts | null
  placement: P | null
  reason: string | null
}

/**
 * Orders requests and looks for a worker for each, the most urgent bands more often and none never. It holds what a job
 * needs, not the job: payloads stay in the user's own queue. It keeps no time; each call brings it.
 *
 * Within a band requests keep the order in which they came, save that a request for which no worker fits steps aside
 * and lets the others pass; those like it step aside with it, so that a full fleet is not asked once for each of them.
 */
export class RequestQueue<P> {
  readonly #options: ResolvedRequestQueueOptions
  readonly #counters: Counters
  readonly #entries = new Map<string, Entry<P>>()
  readonly #byKey = new Map<string, string>()
  /** Ids of requests that ended, the oldest first. */
  readonly #ended = new Set<string>()
  readonly #bands: readonly LazyHeap<Entry<P>>[]
  readonly #heads: readonly { headCost(): number | undefined }[]
  readonly #waiting = new LazyHeap<Entry<P>>((a, b) => a.retryMs - b.retryMs || a.seq - b.seq, isWaiting)
  readonly #deadlines = new LazyHeap<Entry<P>>((a, b) => (a.deadlineMs ?? 0) - (b.deadlineMs ?? 0), isOpen)
  /** By shape: until when requests like it step aside. */
  readonly #blocked = new Map<string, { readonly untilMs: number; readonly refusals: RefusalCounts }>()
  readonly #turns: DeficitRoundRobin
  readonly #listeners: Listeners<RequestEvent<P>>
  readonly #mailboxes = new Set<Mailbox<RequestEvent<P>>>()
  #nextSeq = 1
  #open = 0

  /** Counts `requests.rejected` (full), `.expired`, `.cancelled`, `.refused`, `.events-dropped`, `.listener-threw`. */
  constructor(options: RequestQueueOptions = {}, counters: Counters = new Counters()) {
    this.#options = resolveRequestQueueOptions(options)
    this.#counters = counters
    this.#turns = new DeficitRoundRobin(this.#options.weights)
    this.#bands = Array.from({ length: bandCount }, () => new LazyHeap<Entry<P>>((a, b) => a.seq - b.seq, isQueued))
    this.#heads = this.#bands.map((band) => ({ headCost: () => costOf(band.peek()) }))
    this.#listeners = new Listeners(counters, 'requests.listener-threw')
  }

  /** How many requests are queued or waiting. */
  get size(): number {
    return this.#open
  }

  /**
   * Queues a request. A request with the idempotency key of another that is still known is that other request.
   * @throws NumacastError NUMACAST_LIMIT when the queue is full, NUMACAST_CONFLICT when the id is taken, or the key is
   * that of another kind of request, NUMACAST_INVALID_ARGUMENT
   */
  submit(options: SubmitOptions, nowMs: number): RequestReport<P> {
    const { request, idempotencyKey, deadlineMs, waitForWorker, cost, requestId } = resolveSubmitOptions(options)
    const shape = shapeOf(request)
    const known = idempotencyKey === null ? undefined : this.#entries.get(this.#byKey.get(idempotencyKey) ?? '')
    if (known !== undefined) {
      if (known.shape === shape && known.request.priority === request.priority) return reportOf(known)
      const message = `request ${known.requestId} has the idempotency key ${idempotencyKey} and asks for something else`
      throw new NumacastError('NUMACAST_CONFLICT', message)
    }
    if (this.#open >= this.#options.maxRequests) {
      this.#counters.add('requests.rejected')
      throw new NumacastError('NUMACAST_LIMIT', `${this.#open} requests are queued already, which is the limit`)
    }
    const seq = this.#nextSeq++
    const id = requestId ?? `request-${seq}`
    if (this.#entries.has(id)) throw new NumacastError('NUMACAST_CONFLICT', `there is a request ${id} already`)
    const entry: Entry<P> = {
      requestId: id,
      seq,
      request,
      shape,
      band: bandOf(request.priority),
      cost,
      idempotencyKey,
      submittedMs: nowMs,
      deadlineMs: deadlineMs === null ? null : nowMs + deadlineMs,
      waitForWorker,
      state: RequestState.queued,
      attempts: 0,
      retryMs: 0,
      refusals: null,
      placement: null,
      reason: null,
    }
    this.#entries.set(id, entry)
    if (idempotencyKey !== null) this.#byKey.set(idempotencyKey, id)
    this.#open++
    this.#bands[entry.band]?.push(entry)
    if (entry.deadlineMs !== null) this.#deadlines.push(entry)
    this.#emit(entry)
    return reportOf(entry)
  }

  /**
   * Looks for a worker for the request whose turn it is, then for the next if there is none for it, up to
   * `maxAttempts` times. Returns the first that was placed; undefined when none could be.
   */
  take(placer: Placer<P>, nowMs: number): RequestReport<P> | undefined {
    this.expire(nowMs)
    this.#unblockDue(nowMs)
    for (let attempt = 0; attempt < this.#options.maxAttempts; ) {
      const band = this.#turns.next(this.#heads)
      const entry = band === undefined ? undefined : this.#bands[band]?.pop()
      if (entry === undefined) return undefined
      const blocked = this.#blockOf(entry, nowMs)
      if (blocked !== undefined) {
        entry.refusals = blocked.refusals
        this.#defer(entry, blocked.untilMs)
        continue
      }
      attempt++
      entry.attempts++
      const outcome = this.#place(placer, entry, nowMs)
      if (outcome.placed) {
        this.#turns.spend(entry.cost * costUnit)
        entry.placement = outcome.placement
        entry.refusals = null
        this.#end(entry, RequestState.placed)
        return reportOf(entry)
      }
      entry.refusals = outcome.refusals
      if (!entry.waitForWorker) {
        this.#end(entry, RequestState.refused)
        continue
      }
      const untilMs = nowMs + Math.min(outcome.retryAfterMs ?? Number.POSITIVE_INFINITY, this.#options.maxWaitMs)
      this.#blocked.set(entry.shape, { untilMs, refusals: outcome.refusals })
      this.#defer(entry, untilMs)
    }
    return undefined
  }

  /** The fleet has changed: what waits is tried again at the next `take`, in the order in which it came. */
  wake(): void {
    this.#blocked.clear()
    for (let entry = this.#waiting.pop(); entry !== undefined; entry = this.#waiting.pop()) this.#requeue(entry)
  }

  /** Puts a request that was placed back in its old place, because the worker declined it or died before it began. */
  putBack(requestId: string): boolean {
    const entry = this.#entries.get(requestId)
    if (entry?.state !== RequestState.placed) return false
    this.#ended.delete(requestId)
    this.#open++
    entry.placement = null
    this.#requeue(entry)
    if (entry.deadlineMs !== null) this.#deadlines.push(entry)
    this.#emit(entry)
    return true
  }

  /** Returns false when the request is unknown or has ended. */
  cancel(requestId: string, reason: string | null = null): boolean {
    const entry = this.#entries.get(requestId)
    if (entry === undefined || !isOpen(entry)) return false
    entry.reason = reason
    this.#end(entry, RequestState.cancelled)
    return true
  }

  /** Ends what is past its deadline. */
  expire(nowMs: number): void {
    for (let entry = this.#deadlines.peek(); entry !== undefined; entry = this.#deadlines.peek()) {
      if ((entry.deadlineMs ?? 0) > nowMs) return
      this.#end(entry, RequestState.expired)
    }
  }

  /** Returns when `take` or `expire` next has something to do by time alone; undefined when never. */
  nextMs(): number | undefined {
    if (this.#heads.some((head) => head.headCost() !== undefined)) return Number.NEGATIVE_INFINITY
    const due = [this.#waiting.peek()?.retryMs, this.#deadlines.peek()?.deadlineMs ?? undefined]
    const known = due.filter((ms) => ms !== undefined)
    return known.length === 0 ? undefined : Math.min(...known)
  }

  /** Returns what is known of a request; undefined when it is unknown or ended long ago. */
  describe(requestId: string): RequestReport<P> | undefined {
    const entry = this.#entries.get(requestId)
    return entry === undefined ? undefined : reportOf(entry)
  }

  /** Yields every request that has not ended, in the order in which they came. */
  *list(): IterableIterator<RequestReport<P>> {
    for (const entry of this.#entries.values()) if (isOpen(entry)) yield reportOf(entry)
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT unless there is a positive weight for each band */
  setWeights(weights: readonly number[]): void {
    this.#turns.setWeights(resolveBandWeights(weights))
  }

  /** Calls `listener` for each change of state, before the call that caused it returns. */
  subscribe(listener: (event: RequestEvent<P>) => void): Subscription {
    return this.#listeners.add(listener)
  }

  /** Yields changes of state. A reader that falls behind by more than `maxEvents` loses the oldest, which is counted. */
  async *events({ signal }: WaitOptions = {}): AsyncIterableIterator<RequestEvent<P>> {
    signal?.throwIfAborted()
    const mailbox = new Mailbox<RequestEvent<P>>({
      capacity: this.#options.maxEvents,
      onDrop: () => this.#counters.add('requests.events-dropped'),
    })
    const onAbort = (): void => mailbox.close()
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#mailboxes.add(mailbox)
    try {
      yield* mailbox
    } finally {
      this.#mailboxes.delete(mailbox)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** A placer that throws must not lose the request. */
  #place(placer: Placer<P>, entry: Entry<P>, nowMs: number): PlacementOutcome<P> {
    try {
      return placer.place(reportOf(entry), nowMs)
    } catch (error) {
      this.#requeue(entry)
      throw error
    }
  }

  #blockOf({ shape, waitForWorker }: Entry<P>, nowMs: number) {
    const blocked = waitForWorker ? this.#blocked.get(shape) : undefined
    return blocked !== undefined && blocked.untilMs > nowMs ? blocked : undefined
  }

  #unblockDue(nowMs: number): void {
    for (const [shape, { untilMs }] of this.#blocked) if (untilMs <= nowMs) this.#blocked.delete(shape)
    for (
      let entry = this.#waiting.peek();
      entry !== undefined && entry.retryMs <= nowMs;
      entry = this.#waiting.peek()
    ) {
      this.#waiting.pop()
      this.#requeue(entry)
    }
  }

  #defer(entry: Entry<P>, untilMs: number): void {
    const isNews = entry.state !== RequestState.waiting
    entry.retryMs = untilMs
    entry.state = RequestState.waiting
    this.#waiting.push(entry)
    if (isNews) this.#emit(entry)
  }

  #requeue(entry: Entry<P>): void {
    entry.state = RequestState.queued
    this.#bands[entry.band]?.push(entry)
  }

  #end(entry: Entry<P>, state: RequestState): void {
    entry.state = state
    this.#open--
    if (state !== RequestState.placed) this.#counters.add(`requests.${state}`)
    this.#ended.add(entry.requestId)
    for (const oldest of this.#ended) {
      if (this.#ended.size <= this.#options.maxEnded) break
      this.#remove(oldest)
    }
    this.#emit(entry)
  }

  #remove(requestId: string): void {
    const entry = this.#entries.get(requestId)
    this.#entries.delete(requestId)
    this.#ended.delete(requestId)
    if (entry !== undefined && entry.idempotencyKey !== null) this.#byKey.delete(entry.idempotencyKey)
  }

  #emit(entry: Entry<P>): void {
    if (this.#listeners.size === 0 && this.#mailboxes.size === 0) return
    const event = { requestId: entry.requestId, state: entry.state, report: reportOf(entry) }
    this.#listeners.emit(event)
    for (const mailbox of this.#mailboxes) mailbox.push(event)
  }
}

function isQueued(entry: { readonly state: RequestState }): boolean {
  return entry.state === RequestState.queued
}

function isWaiting(entry: { readonly state: RequestState }): boolean {
  return entry.state === RequestState.waiting
}

function isOpen(entry: { readonly state: RequestState }): boolean {
  return isQueued(entry) || isWaiting(entry)
}

function costOf(entry: { readonly cost: number } | undefined): number | undefined {
  return entry === undefined ? undefined : entry.cost * costUnit
}

/** Everything that placing looks at; the priority only orders. */
function shapeOf(request: ResolvedRequest): string {
  return JSON.stringify({ ...request, priority: 0 })
}

function reportOf<P>(entry: Entry<P>): RequestReport<P> {
  const { requestId, state, request, band, cost, idempotencyKey, submittedMs, deadlineMs } = entry
  const { attempts, refusals, placement, reason } = entry
  return {
    requestId,
    state,
    request,
    band,
    cost,
    idempotencyKey,
    submittedMs,
    deadlineMs,
    attempts,
    refusals,
    placement,
    reason,
  }
}
