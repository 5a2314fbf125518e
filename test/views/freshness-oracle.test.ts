import t, { type Test } from 'tap'
import type { Guid } from '../../src/core/ids.js'
import { seededRandom } from '../../src/core/random.js'
import type { Collector } from '../../src/roles/collector/collector.js'
import type { IntentIssuer, IssuedIntent } from '../../src/roles/intents/intent-issuer.js'
import type { Scheduler } from '../../src/roles/scheduler/scheduler.js'
import type { Worker } from '../../src/roles/worker/worker.js'
import { MemoryFleet, memoryHost } from '../../src/testing/memory-fleet.js'
import type { FleetRead } from '../../src/views/fleet-reads.js'
import type { FleetView } from '../../src/views/fleet-view.js'
import { FreshnessError } from '../../src/views/freshness/freshness-error.js'
import type { FleetReadOptions } from '../../src/views/freshness/read-options.js'
import { compareTokens, tokenOf, ViewToken } from '../../src/views/token/view-token.js'
import { PlaneOracle } from './support/plane-oracle.js'

/** Longer: NUMACAST_FRESHNESS_SEEDS=1,2,…,50 */
const seeds = (process.env.NUMACAST_FRESHNESS_SEEDS ?? '3,4').split(',').map(Number)
const steps = 32
const maxDelayMs = 30
/** How often the oracle looks. */
const sampleMs = 20
/** A worker publishes its state at most this often. */
const stateIntervalMs = 100

t.setTimeout(300_000)

const hosts = [memoryHost('a'), memoryHost('b')]

interface Viewer {
  readonly view: FleetView
  readonly issuer: IntentIssuer
  /** Participants that it has met. */
  readonly met: Set<Guid>
}

interface Reading {
  readonly viewer: Viewer
  readonly options: FleetReadOptions
  /** What each writer had reached when the read was called. */
  readonly headsAtCall: ReadonlyMap<string, number>
  /** The intent whose token it demands. */
  readonly intent: IssuedIntent | undefined
}

class Scenario {
  readonly fleet: MemoryFleet
  readonly oracle: PlaneOracle
  readonly random: () => number
  readonly collectors: (Collector | undefined)[] = []
  readonly workers = new Map<string, Worker>()
  readonly viewers: Viewer[] = []
  readonly intents: IssuedIntent[] = []
  readonly tokens: string[] = []
  readonly counts = { strong: 0, bounded: 0, 'best-effort': 0, refused: 0 }
  readonly faults: string[] = []
  /** By worker and incarnation: when which count was reached. */
  readonly #completed = new Map<string, { readonly atMs: number; readonly count: number }[]>()
  readonly #isolated = new Set<Collector>()
  #scheduler: Scheduler | undefined

  constructor(seed: number) {
    this.fleet = new MemoryFleet(seed)
    this.random = seededRandom(seed)
    this.oracle = new PlaneOracle(this.fleet)
  }

  async open(): Promise<void> {
    for (const [index, host] of hosts.entries())
      this.collectors[index] = await this.fleet.collector({}, undefined, host)
    this.#scheduler = await this.fleet.scheduler({}, undefined, hosts[0])
    for (const name of ['w1', 'w2', 'w3']) await this.startWorker(name)
    for (const [index, host] of hosts.entries()) {
      const { view, issuer } = await this.fleet.operator(`operator ${index}`, host)
      await this.fleet.plane.settle(view.synced())
      this.viewers.push({ view, issuer, met: new Set() })
    }
    const sample = (): void => {
      this.#sample()
      this.fleet.clock.after(sampleMs, sample)
    }
    sample()
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)] as T
  }

  async startWorker(name: string): Promise<void> {
    this.workers.set(name, await this.fleet.worker(name, { concurrency: 4, stateIntervalMs }, this.pick(hosts)))
  }

  /** Something happens to the plane. */
  async act(): Promise<void> {
    const name = this.pick(['w1', 'w2', 'w3', 'w4'])
    const worker = this.workers.get(name)
    const index = this.random() < 0.5 ? 0 : 1
    switch (
      this.pick([
        'work',
        'work',
        'work',
        'work',
        'intent',
        'intent',
        'worker',
        'collector',
        'cut',
        'isolate',
        'isolate',
        'scheduler',
      ])
    ) {
      case 'work':
        if (worker === undefined) await this.startWorker(name)
        else void worker.trySlot()?.run(`job ${this.random()}`, async () => undefined)
        return
      case 'intent': {
        // Each issuer has targets of its own: which of two issuers wins is not the question here.
        const viewer = this.pick(this.viewers)
        const { issuer } = viewer
        const target = `absent ${this.viewers.indexOf(viewer)}.${Math.floor(this.random() * 3)}`
        this.intents.push(issuer.apply('prefer-shard', target, { shards: [`s${this.random()}`] }))
        return
      }
      case 'worker':
        if (worker === undefined) return
        this.workers.delete(name)
        this.kill(worker)
        return
      case 'collector': {
        const collector = this.collectors[index]
        if (collector !== undefined && this.random() < 0.5) this.kill(collector)
        else if (collector !== undefined) {
          this.oracle.ended(collector.participant.guid)
          await this.fleet.plane.settle(collector.close())
        }
        this.collectors[index] = undefined
        if (this.random() < 0.7) this.collectors[index] = await this.fleet.collector({}, undefined, hosts[index])
        return
      }
      case 'scheduler':
        if (this.#scheduler !== undefined) this.kill(this.#scheduler)
        this.#scheduler =
          this.#scheduler === undefined ? await this.fleet.scheduler({}, undefined, hosts[0]) : undefined
        return
      case 'isolate': {
        // It goes on, and peers of its own host give it up.
        const collector = this.collectors[index]
        if (collector === undefined) return
        this.fleet.cutOff(collector)
        this.#isolated.add(collector)
        return
      }
      case 'cut':
        this.fleet.cutHosts(...hosts.map(({ bootId }) => [bootId]))
        return
    }
  }

  /** The network works again. */
  heal(): void {
    this.fleet.cutHosts()
    for (const collector of this.#isolated) if (this.collectors.includes(collector)) this.fleet.reconnect(collector)
    this.#isolated.clear()
  }

  kill(role: { readonly participant: { readonly guid: Guid }; close(): Promise<void> }): void {
    this.oracle.ended(role.participant.guid)
    this.fleet.kill(role as Parameters<MemoryFleet['kill']>[0])
  }

  /** Begins a read of a random kind, and checks its answer once it is there. */
  async read(): Promise<void> {
    const viewer = this.pick(this.viewers)
    const freshness = this.pick(['strong', 'bounded', 'best-effort'] as const)
    const intent = this.random() < 0.3 ? this.pick(this.intents) : undefined
    const foreign = this.random() < 0.2 ? this.pick(this.tokens) : undefined
    const requiredToken = intent === undefined ? foreign : tokenOf(intent.token)
    const options: FleetReadOptions = {
      freshness,
      timeoutMs: this.pick([50, 500, 2_000]),
      ...(freshness === 'bounded' && { maxAgeMs: this.pick([3_500, 10_000]), maxLagSamples: this.pick([0, 5]) }),
      ...(requiredToken !== undefined && { requiredToken }),
    }
    const headsAtCall = new Map(this.oracle.live().map((writer) => [writer.guid as string, writer.lastSeq()]))
    const reading: Reading = { viewer, options, headsAtCall, intent }
    try {
      const answer = await viewer.view.read(options)
      this.counts[freshness]++
      this.#check(reading, answer)
    } catch (error) {
      if (!(error instanceof FreshnessError)) throw error
      this.counts.refused++
      if (error.refusals.length === 0) this.faults.push('a refusal without a reason')
    }
  }

  #check({ viewer, options, headsAtCall, intent }: Reading, { data, witness }: FleetRead): void {
    const nowMs = this.fleet.clock.nowMs()
    const fault = (text: string): void => {
      this.faults.push(`${nowMs} ${options.freshness} read by ${viewer.view.participant.name}: ${text}`)
    }
    const served = ViewToken.parse(witness.servedToken)
    this.tokens.push(witness.servedToken)
    const order = compareTokens(witness.servedToken, witness.currentToken)
    if (order !== 'equal' && order !== 'before') fault(`served token is ${order} the current one`)
    for (const writer of this.oracle.live()) {
      const lastSeq = writer.lastSeq()
      if (served.owners.get(writer.participant) !== 'ended' && served.includes(writer.guid, lastSeq + 1)) {
        fault(`the token includes change ${lastSeq + 1} of ${writer.topic}, which does not exist`)
      }
    }
    if (options.freshness === 'strong') {
      for (const writer of this.oracle.live()) {
        const head = headsAtCall.get(writer.guid)
        if (head === undefined || !viewer.met.has(writer.participant)) continue
        if (!served.includes(writer.guid, head)) fault(`change ${head} of ${writer.topic} is missing`)
      }
    }
    if (options.freshness === 'bounded') this.#checkBounded(viewer, options, data, witness, fault)
    if (options.requiredToken !== undefined) {
      for (const [participant, included] of ViewToken.parse(options.requiredToken).owners) {
        if (included === 'ended') continue
        for (const [entity, seq] of included) {
          const writer = this.oracle.live().find(({ guid }) => guid === `${participant}.${entity.toString(16)}`)
          if (writer === undefined || viewer.view.participant.peer(participant) === undefined) continue
          if (Number.isFinite(seq) && !served.includes(writer.guid, seq)) fault(`required change ${seq} is missing`)
        }
      }
    }
    if (intent !== undefined) {
      const { kind } = intent
      const current = viewer.view.currentIntent(kind, intent.intent.target)
      if (current === undefined || current.intent.epoch < intent.intent.epoch) fault('the required intent is not there')
    }
  }

  #checkBounded(
    viewer: Viewer,
    { maxAgeMs = 0 }: FleetReadOptions,
    data: FleetRead['data'],
    { ageMs, servedToken, currentToken }: FleetRead['witness'],
    fault: (text: string) => void,
  ): void {
    const nowMs = this.fleet.clock.nowMs()
    if (ageMs === null || ageMs > maxAgeMs) fault(`age ${ageMs} is over ${maxAgeMs}`)
    const [served, current] = [ViewToken.parse(servedToken), ViewToken.parse(currentToken)]
    const completeMs = nowMs - (ageMs ?? 0) - maxDelayMs - sampleMs
    for (const writer of this.oracle.live()) {
      // The claim concerns the owners that the view names.
      const isNamed = current.owners.has(writer.participant) && served.includes(writer.guid, 1)
      if (!isNamed || viewer.view.participant.peer(writer.participant) === undefined) continue
      const head = writer.lastSeqAt(completeMs)
      const lag = this.#lagAllowed(served, current, writer.guid)
      if (!served.includes(writer.guid, head - lag))
        fault(`change ${head} of ${writer.topic} is older than ${ageMs} ms`)
    }
    for (const { workerId, incarnation, liveliness, jobsCompleted } of data.workers) {
      if (liveliness !== 'alive') continue
      const reachedMs = nowMs - (ageMs ?? 0) - 2 * maxDelayMs - stateIntervalMs - 2 * sampleMs
      const history = this.#completed.get(processKey(workerId, incarnation)) ?? []
      const completed = history.findLast(({ atMs }) => atMs <= reachedMs)?.count ?? 0
      if (jobsCompleted < completed) fault(`${workerId} had completed ${completed} jobs, not ${jobsCompleted}`)
    }
  }

  /** Changes that the answer is known to lack, and that it was allowed to lack. */
  #lagAllowed(served: ViewToken, current: ViewToken, writer: string): number {
    const numberIn = (token: ViewToken): number => {
      const included = token.owners.get(writer.slice(0, 32) as Guid)
      if (included === undefined || included === 'ended') return 0
      return included.get(Number.parseInt(writer.slice(33), 16) as never) ?? 0
    }
    return Math.max(0, numberIn(current) - numberIn(served))
  }

  #sample(): void {
    const nowMs = this.fleet.clock.nowMs()
    this.oracle.sample()
    for (const { view, met } of this.viewers) {
      for (const { guid } of view.participant.peers()) met.add(guid)
    }
    for (const [name, worker] of this.workers) {
      const key = processKey(name, worker.participant.incarnation)
      const history = this.#completed.get(key) ?? []
      if (history.at(-1)?.count !== worker.completed) history.push({ atMs: nowMs, count: worker.completed })
      this.#completed.set(key, history)
    }
  }
}

function processKey(workerId: string, incarnation: number): string {
  return `${incarnation} ${workerId}`
}

async function run(t: Test, seed: number): Promise<Scenario['counts']> {
  const scenario = new Scenario(seed)
  const { fleet, random } = scenario
  await scenario.open()
  fleet.plane.network.setFaults({ lossRatio: 0.3, duplicateRatio: 0.1, minDelayMs: 0, maxDelayMs })
  const reads: Promise<void>[] = []
  for (let step = 0; step < steps; step++) {
    if (random() < 0.2) scenario.heal()
    if (random() < 0.6) await scenario.act()
    reads.push(scenario.read())
    await fleet.clock.advance(Math.floor(random() * 300))
    reads.push(scenario.read())
    await fleet.clock.advance(Math.floor(random() * 1_200))
  }
  await fleet.plane.settle(Promise.all(reads))
  t.same(scenario.faults, [], `seed ${seed}`)
  await fleet.close()
  return scenario.counts
}

t.test('no read claims more freshness than an oracle that sees every writer allows', async (t) => {
  const sum = { strong: 0, bounded: 0, 'best-effort': 0, refused: 0 }
  for (const seed of seeds) {
    const counts = await run(t, seed)
    for (const kind of Object.keys(sum) as (keyof typeof sum)[]) sum[kind] += counts[kind]
  }
  t.comment(JSON.stringify(sum))
  for (const [kind, count] of Object.entries(sum)) t.ok(count >= 2 * seeds.length, `${count} ${kind}`)
})
