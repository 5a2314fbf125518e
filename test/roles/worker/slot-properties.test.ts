// Invariants under random pullers, drains, throttles, limits, pauses and closes, in any order, on a fake clock.
import fc from 'fast-check'
import t from 'tap'
import { nodeTarget } from '../../../src/plane/vocabulary/targets.js'
import type { IntentIssuer } from '../../../src/roles/intents/intent-issuer.js'
import type { Slot } from '../../../src/roles/worker/slots/slot.js'
import type { Worker } from '../../../src/roles/worker/worker.js'
import { MemoryFleet } from '../../../src/testing/memory-fleet.js'

t.setTimeout(300_000)

const node = nodeTarget({ bootId: 'boot', numaNode: 0 })
const maxConcurrency = 3

type Step =
  | {
      readonly kind: 'pull'
      readonly queue: string
      readonly fetchMs: number
      readonly jobMs: number | null
      readonly obeys: boolean
    }
  | { readonly kind: 'drain' | 'lift-drain' | 'pause' | 'lift-pause' | 'unhealthy' | 'healthy' | 'abort-pullers' }
  | { readonly kind: 'throttle' | 'rebalance'; readonly maxInFlight: number | null }
  | { readonly kind: 'wait'; readonly ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('pull' as const),
      queue: fc.constantFrom('q', 'r', ''),
      fetchMs: fc.integer({ min: 0, max: 300 }),
      /** Null releases the slot without a job. */
      jobMs: fc.option(fc.integer({ min: 0, max: 300 })),
      /** Whether the holder gives its slot back when the signal aborts, or continues its fetch. */
      obeys: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('drain', 'lift-drain', 'pause', 'lift-pause', 'unhealthy', 'healthy', 'abort-pullers'),
    }) as fc.Arbitrary<Step>,
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('throttle', 'rebalance'),
      maxInFlight: fc.option(fc.integer({ min: 0, max: 2 })),
    }) as fc.Arbitrary<Step>,
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 400 }) }) },
)

/** Pullers on one worker, and the violations that they found. */
class Pullers {
  readonly wrong: string[] = []
  started = 0
  readonly #fleet: MemoryFleet
  readonly #worker: Worker
  readonly #running = new Set<Promise<void>>()
  #stop = new AbortController()
  #jobs = 0

  constructor(fleet: MemoryFleet, worker: Worker) {
    this.#fleet = fleet
    this.#worker = worker
  }

  start(options: Extract<Step, { kind: 'pull' }>): void {
    const puller = this.#pull(options, this.#stop.signal).finally(() => this.#running.delete(puller))
    this.#running.add(puller)
  }

  abort(): void {
    this.#stop.abort(new Error('the caller gave up'))
    this.#stop = new AbortController()
  }

  async ended(): Promise<void> {
    this.abort()
    await this.#fleet.plane.settle(Promise.all(this.#running))
  }

  async #pull({ queue, fetchMs, jobMs, obeys }: Extract<Step, { kind: 'pull' }>, signal: AbortSignal): Promise<void> {
    const worker = this.#worker
    let slot: Slot
    try {
      slot = await worker.slot({ signal, ...(queue !== '' && { queue }) })
    } catch {
      return
    }
    const taken = worker.inFlight + worker.openSlots
    if (taken > maxConcurrency) this.wrong.push(`${taken} slots at a concurrency of ${maxConcurrency}`)
    await this.#sleep(fetchMs, obeys ? slot.signal : undefined)
    if (jobMs === null || (obeys && slot.signal.aborted)) {
      slot.release()
      return
    }
    // A closing worker takes the slot back when its grace is over.
    if (slot.state === 'open') this.#check(queue)
    const run = slot.run(`${++this.#jobs}`, () => {
      this.started++
      if (this.#isCompleted('drain')) this.wrong.push('a job started on a drained worker')
      return this.#sleep(jobMs, undefined)
    })
    await run.catch(() => undefined) // the worker may have closed meanwhile
  }

  /** While a slot is open, no intent that keeps jobs from starting in it is reported as completed. */
  #check(queue: string): void {
    for (const kind of ['drain', 'pause-node']) {
      if (this.#isCompleted(kind)) this.wrong.push(`a slot is open although a ${kind} is completed`)
    }
    const limit = queue === 'r' ? undefined : this.#worker.directives.queues.get('q')
    if (limit === 0 && this.#isCompleted('throttle-queue')) this.wrong.push('a slot of a stopped queue is open')
  }

  #isCompleted(kind: string): boolean {
    return this.#worker.appliedIntents().some((intent) => intent.kind === kind && intent.transition === 'completed')
  }

  #sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#fleet.clock.after(ms, resolve)
      signal?.addEventListener('abort', () => {
        timer.cancel()
        resolve()
      })
    })
  }
}

async function take(
  step: Step,
  fleet: MemoryFleet,
  worker: Worker,
  issuer: IntentIssuer,
  pullers: Pullers,
): Promise<void> {
  switch (step.kind) {
    case 'pull':
      return pullers.start(step)
    case 'drain':
      issuer.apply('drain', 'w', { deadlineMs: null })
      break
    case 'lift-drain':
      issuer.lift('drain', 'w')
      break
    case 'pause':
      issuer.apply('pause-node', node, {})
      break
    case 'lift-pause':
      issuer.lift('pause-node', node)
      break
    case 'throttle':
      if (step.maxInFlight === null) issuer.lift('throttle-queue', 'q')
      else issuer.apply('throttle-queue', 'q', { maxInFlight: step.maxInFlight })
      break
    case 'rebalance':
      if (step.maxInFlight === null) issuer.lift('rebalance', node)
      else issuer.apply('rebalance', node, { maxInFlight: step.maxInFlight })
      break
    case 'unhealthy':
      worker.declareUnhealthy('no gpu')
      break
    case 'healthy':
      worker.declareHealthy()
      break
    case 'abort-pullers':
      pullers.abort()
      break
    case 'wait':
      await fleet.clock.advance(step.ms)
      break
  }
}

t.test('no order of events exceeds the concurrency, starts a job on a drained worker, or leaks a slot', async (t) => {
  let started = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), fc.boolean(), async (steps, closesEarly) => {
      const fleet = new MemoryFleet()
      await fleet.collector()
      const worker = await fleet.worker('w', { concurrency: maxConcurrency, queues: ['q', 'r'] })
      const { view, issuer, leave } = await fleet.operator()
      await fleet.plane.settle(view.synced())
      const pullers = new Pullers(fleet, worker)
      for (const each of steps) await take(each, fleet, worker, issuer, pullers)
      if (closesEarly) await fleet.plane.settle(worker.close({ graceMs: 50 }))
      await pullers.ended()
      const left = { inFlight: worker.inFlight, openSlots: worker.openSlots }
      started += pullers.started
      await fleet.plane.settle(worker.close())
      await leave()
      await fleet.close()
      t.strictSame(pullers.wrong, [], JSON.stringify(steps))
      t.strictSame(left, { inFlight: 0, openSlots: 0 }, JSON.stringify(steps))
      return pullers.wrong.length === 0 && left.inFlight + left.openSlots === 0
    }),
    { numRuns: 40, seed: 20_261_127 },
  )
  t.ok(started > 40, `${started} jobs were started`)
})
