import fc from 'fast-check'
import t from 'tap'
import type { Sample } from '../../src/pubsub/model/sample.js'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import type { Reader } from '../../src/pubsub/reader/reader.js'
import type { ReaderOptions } from '../../src/pubsub/reader/reader-options.js'
import type { Writer } from '../../src/pubsub/writer/writer.js'
import type { QosOptions } from '../../src/qos/qos.js'
import { MemoryPlane } from '../../src/testing/memory-plane.js'

/**
 * Nothing is lost silently. Once the network is quiet, each reader has handed out each change of a writer exactly once
 * and in order, or has accounted for it. A change is lost (an event with a count), rejected (an event), or hidden by
 * the filter. A reader that keeps only the last values may replace it by a newer value that was handed out.
 * Reliable and keep-all: nothing is lost.
 */

interface Value {
  readonly id: string
  readonly n: number
}
const topicOf = (name: string) => defineTopic<Value>({ name, key: 'id', fields: ['id', 'n'] })
const topics = { all: topicOf('all'), some: topicOf('some'), last: topicOf('last') }
type TopicName = keyof typeof topics
const offered: Readonly<Record<TopicName, QosOptions>> = {
  all: { history: 'keep-all' },
  some: { historyDepth: 3 },
  last: { historyDepth: 1 },
}
const isShownByFilter = ({ n }: Value): boolean => n % 3 !== 0

/**
 * Longer than a lease, so that separated participants give each other up. Shorter than the ten seconds that a keep-all
 * writer waits for a silent reader.
 */
const maxSplitMs = 4_000

/** How a reader's samples are consumed. */
type Consumption = 'listen' | 'take' | 'iterate'

interface Plan {
  readonly name: string
  readonly topic: TopicName
  readonly consumption: Consumption
  readonly options: ReaderOptions<Value>
  /** Reasons for which changes may be lost here. Empty: every change is handed out. */
  readonly mayLose: readonly string[]
  /** The reader may receive newer values in place of older ones. */
  readonly conflates?: boolean
}

const bestEffort = { reliability: 'best-effort' } as const
const keepAll = { history: 'keep-all' } as const
const plans: readonly Plan[] = [
  { name: 'keep-all', topic: 'all', consumption: 'listen', options: { qos: keepAll }, mayLose: [] },
  {
    name: 'keep-all, filtered',
    topic: 'all',
    consumption: 'listen',
    options: { qos: keepAll, filter: isShownByFilter },
    mayLose: [],
  },
  {
    name: 'keep-all, room for 4',
    topic: 'all',
    consumption: 'take',
    options: { qos: { ...keepAll, resourceLimits: { maxSamples: 4, maxSamplesPerInstance: 2 } } },
    mayLose: [],
  },
  {
    name: 'keep-all, mailbox of 6',
    topic: 'all',
    consumption: 'iterate',
    options: { qos: keepAll, mailboxCapacity: 6 },
    mayLose: ['mailbox'],
  },
  {
    name: 'best effort, keep-all',
    topic: 'all',
    consumption: 'listen',
    options: { qos: { ...keepAll, ...bestEffort } },
    mayLose: ['gap'],
  },
  {
    name: 'best effort, keep-all, room for 4',
    topic: 'all',
    consumption: 'take',
    options: { qos: { ...keepAll, ...bestEffort, resourceLimits: { maxSamples: 4 } } },
    mayLose: ['gap', 'rejected'],
  },
  { name: 'depth 1 of keep-all', topic: 'all', consumption: 'listen', options: {}, mayLose: [], conflates: true },
  {
    name: 'depth 3',
    topic: 'some',
    consumption: 'listen',
    options: { qos: { historyDepth: 3 } },
    mayLose: ['overwritten'],
  },
  {
    name: 'keep-all of depth 3',
    topic: 'some',
    consumption: 'take',
    options: { qos: { ...keepAll, resourceLimits: { maxSamples: 8 } } },
    mayLose: ['overwritten'],
  },
  { name: 'depth 1', topic: 'last', consumption: 'listen', options: {}, mayLose: [], conflates: true },
  { name: 'depth 1, slow', topic: 'last', consumption: 'iterate', options: {}, mayLose: [], conflates: true },
  {
    name: 'best effort',
    topic: 'last',
    consumption: 'listen',
    options: { qos: bestEffort },
    mayLose: ['gap'],
    conflates: true,
  },
]

type Step =
  | {
      readonly do: 'write'
      readonly owner: number
      readonly topic: TopicName
      readonly key: number
      readonly burst: number
    }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'consume'; readonly count: number }
  | { readonly do: 'faults'; readonly loss: number; readonly duplicate: number; readonly delay: number }
  | { readonly do: 'split'; readonly owner: number }
  | { readonly do: 'heal' }
  | { readonly do: 'break' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      owner: fc.nat(1),
      topic: fc.constantFrom<TopicName>('all', 'some', 'last'),
      key: fc.nat(3),
      burst: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.nat(60) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 100, max: 5_000 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('consume' as const), count: fc.integer({ min: 1, max: 5 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('faults' as const),
      loss: fc.double({ min: 0, max: 0.5, noNaN: true }),
      duplicate: fc.double({ min: 0, max: 0.5, noNaN: true }),
      delay: fc.nat(60),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('split' as const), owner: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.constantFrom<Step>({ do: 'heal' }, { do: 'break' }) },
)

/** One reader, every sample that it handed out, and every event that it reported. */
class Account {
  readonly plan: Plan
  readonly reader: Reader<Value>
  readonly handed: Sample<Value>[] = []
  /** By writer, then by reason. `rejected` counts by key and therefore covers all writers. */
  readonly lost = new Map<string, Map<string, number>>()
  readonly #iterator: AsyncIterator<Sample<Value>> | undefined
  #isWaiting = false
  #tokens = new Map<string, number>()
  readonly violations: string[] = []

  constructor(plan: Plan, reader: Reader<Value>) {
    this.plan = plan
    this.reader = reader
    if (plan.consumption === 'listen') reader.onSample((sample) => this.#hand(sample))
    if (plan.consumption === 'iterate') this.#iterator = reader[Symbol.asyncIterator]()
    reader.onEvent((event) => {
      if (event.kind === 'sample-lost') this.#account(event.writer, event.reason, event.lostCount)
      else if (event.kind === 'sample-rejected') this.#account(event.writer, 'rejected', 1)
      else if (event.kind === 'subscription-matched' && !event.isMatched) this.violations.push('a match ended')
    })
  }

  consume(count: number): void {
    if (this.plan.consumption === 'take')
      for (const sample of this.reader.take({ maxSamples: count })) this.#hand(sample)
    if (this.#iterator !== undefined && !this.#isWaiting) void this.#next(this.#iterator, count)
  }

  look(): void {
    for (const { writer, appliedSeq } of this.reader.lag()) {
      if (appliedSeq < (this.#tokens.get(writer) ?? 0)) this.violations.push(`token of ${writer} fell to ${appliedSeq}`)
      this.#tokens.set(writer, appliedSeq)
    }
  }

  async #next(iterator: AsyncIterator<Sample<Value>>, count: number): Promise<void> {
    this.#isWaiting = true
    for (let left = count; left > 0; left--) {
      const { done, value } = await iterator.next()
      if (done === true) break
      this.#hand(value)
    }
    this.#isWaiting = false
  }

  #hand(sample: Sample<Value>): void {
    if (sample.validData && sample.value !== undefined) this.handed.push(sample)
  }

  #account(writer: string, reason: string, count: number): void {
    const reasons = this.lost.get(writer) ?? new Map<string, number>()
    this.lost.set(writer, reasons.set(reason, (reasons.get(reason) ?? 0) + count))
  }

  /** Returns the contradictions between what `writer` wrote and what the reader accounts for. */
  audit(writer: Writer<Value>, written: readonly Value[]): string[] {
    const { plan } = this
    const found: string[] = []
    const report = (what: string): void => void found.push(`${plan.name}, ${writer.guid.slice(-1)}: ${what}`)
    const seqs = this.handed.flatMap(({ token, key }, at) => {
      if (token.writer !== writer.guid) return []
      // If two owners write within the network's delay, a duplicated frame may bring the earlier value back.
      const before = plan.conflates === true && this.handed.slice(0, at).findLast((sample) => sample.key === key)
      const isBack = before !== false && before !== undefined && before.token.writer !== writer.guid
      return isBack && this.handed.slice(0, at).some((sample) => isSameToken(sample, token)) ? [] : token.seq
    })
    const handed = new Set(seqs)
    if (handed.size < seqs.length) report(`handed out twice: ${seqs}`)
    for (const { token, value } of this.handed) {
      const original = token.writer === writer.guid ? written[token.seq - 1] : undefined
      if (original !== undefined && (original.id !== value?.id || original.n !== value.n))
        report(`${token.seq} has another value`)
    }
    const lastOf = new Map<string, number>()
    for (const seq of seqs) {
      const id = written[seq - 1]?.id ?? ''
      if (seq < (lastOf.get(id) ?? 0)) report(`${id}: ${seq} after ${lastOf.get(id)}`)
      lastOf.set(id, seq)
    }
    // If an instance has two owners, the later value replaces the earlier one.
    const replaced = new Set(this.handed.flatMap(({ token, key }) => (token.writer === writer.guid ? [] : key)))
    let missing = 0
    for (const [at, value] of written.entries()) {
      if (handed.has(at + 1)) continue
      if (plan.options.filter?.(value) === false) continue
      if (plan.conflates === true && ((lastOf.get(value.id) ?? 0) > at + 1 || replaced.has(value.id))) continue
      missing++
    }
    const reasons = this.lost.get(writer.guid) ?? new Map<string, number>()
    const isBestEffort = plan.options.qos?.reliability === 'best-effort'
    let told = 0
    for (const [reason, count] of reasons) {
      // A reliable reader without room stops there and continues once it has room.
      const isForGood = reason !== 'rejected' || isBestEffort
      if (!isForGood) continue
      told += count
      if (!plan.mayLose.includes(reason)) report(`${count} ${reason}`)
    }
    // A newer value may have arrived although older ones were reported lost. Durable values are fetched again when
    // its writer is back, and may bring what best effort had given up or had no room for.
    const isAtMost =
      plan.conflates === true || (writer.qos.durability === 'transient-local' && told > 0 && isBestEffort)
    if (isAtMost ? missing > told : missing !== told) {
      report(`${missing} of ${written.length} missing, ${told} told: ${JSON.stringify([...reasons])}; had ${seqs}`)
    }
    return found
  }
}

function isSameToken({ token }: Sample<Value>, { writer, seq }: Sample<Value>['token']): boolean {
  return token.writer === writer && token.seq === seq
}

class World {
  readonly plane: MemoryPlane
  readonly #writers: Readonly<Record<TopicName, Writer<Value>>>[] = []
  readonly #written = new Map<Writer<Value>, Value[]>()
  readonly #accounts: Account[] = []
  #n = 0
  #isSplit = false
  #splitMs = 0

  constructor(seed: number) {
    this.plane = new MemoryPlane(seed)
  }

  async begin(durability: 'volatile' | 'transient-local'): Promise<void> {
    // Each participant has its own host, so a silent one is unreachable, not dead, and no match ends.
    for (const name of owners) {
      const participant = await this.plane.join(name, {}, { bootId: name })
      const writer = (topic: TopicName) => participant.writer(topics[topic], { qos: { ...offered[topic], durability } })
      const writers = { all: writer('all'), some: writer('some'), last: writer('last') }
      this.#writers.push(writers)
      for (const each of Object.values(writers)) this.#written.set(each, [])
    }
    for (const name of audience) {
      const participant = await this.plane.join(name, {}, { bootId: name })
      for (const [at, plan] of plans.entries()) {
        if (audience[at % audience.length] !== name) continue
        const options = { ...plan.options, qos: { ...plan.options.qos, durability } }
        this.#accounts.push(new Account(plan, participant.reader(topics[plan.topic], options)))
      }
    }
    await this.plane.settle(Promise.all(this.#accounts.map(({ reader }) => reader.synced())))
    await this.#advance(2_000)
    // From here on every reader must account for everything. The first frame tells volatile readers where to start.
    for (const owner of this.#writers.keys()) for (const topic of topicNames) this.#write(owner, topic, 0)
    await this.#advance(2_000)
    this.#consume(100)
  }

  async take(step: Step): Promise<void> {
    const { network, clock } = this.plane
    if (step.do === 'write') for (let n = 0; n < step.burst; n++) this.#write(step.owner, step.topic, step.key)
    else if (step.do === 'advance') await this.#advance(step.ms)
    else if (step.do === 'consume') this.#consume(step.count)
    else if (step.do === 'heal') this.#heal()
    else if (step.do === 'break')
      for (const one of owners) for (const other of audience) network.breakStreams(one, other)
    if (step.do === 'faults')
      network.setFaults({ lossRatio: step.loss, duplicateRatio: step.duplicate, maxDelayMs: step.delay })
    if (step.do === 'split') {
      network.partition([owners[step.owner] ?? 'w0'], [...audience])
      this.#isSplit = true
    }
    await clock.advance(0)
  }

  async finish(): Promise<void> {
    this.#heal()
    this.plane.network.setFaults({})
    await this.#advance(200)
    // A best-effort reader notices a gap only when a later frame arrives.
    for (const owner of this.#writers.keys()) for (const topic of topicNames) this.#write(owner, topic, 0)
    for (let round = 0; round < 150; round++) {
      await this.#advance(100)
      this.#consume(100)
    }
  }

  audit(): string[] {
    return this.#accounts.flatMap((account) => [
      ...account.violations.map((violation) => `${account.plan.name}: ${violation}`),
      ...this.#writers.flatMap((writers) => {
        const writer = writers[account.plan.topic]
        return account.audit(writer, this.#written.get(writer) ?? [])
      }),
    ])
  }

  /** Flushes each change before the next, so that all are sent. */
  #write(owner: number, topic: TopicName, key: number): void {
    const writer = this.#writers[owner]?.[topic]
    if (writer === undefined) return
    // One instance belongs to all owners, each other instance to one owner.
    const value = { id: key === 0 ? 'shared' : `${owner}:${key}`, n: this.#n++ }
    writer.write(value)
    if (topic !== 'some' || value.n % 2 === 0) writer.flush()
    this.#written.get(writer)?.push(value)
  }

  #heal(): void {
    this.plane.network.heal()
    this.#isSplit = false
    this.#splitMs = 0
  }

  #consume(count: number): void {
    for (const account of this.#accounts) account.consume(count)
  }

  async #advance(ms: number): Promise<void> {
    if (this.#splitMs + ms > maxSplitMs) this.#heal()
    if (this.#isSplit) this.#splitMs += ms
    await this.plane.clock.advance(ms)
    for (const account of this.#accounts) account.look()
  }
}

const owners = ['w0', 'w1'] as const
const audience = ['r0', 'r1', 'r2'] as const
const topicNames = ['all', 'some', 'last'] as const

t.test('every change is handed out exactly once or accounted for', async (t) => {
  const seed = Number(process.env.NUMACAST_SEED ?? 1)
  t.comment(`NUMACAST_SEED=${seed}`)
  let runs = 0
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.constantFrom('volatile' as const, 'transient-local' as const),
      fc.array(step, { minLength: 5, maxLength: 50 }),
      async (networkSeed, durability, steps) => {
        runs++
        const world = new World(networkSeed)
        await world.begin(durability)
        for (const next of steps) await world.take(next)
        await world.finish()
        const found = world.audit()
        await world.plane.close()
        if (found.length > 0) throw new Error(found.join('\n'))
      },
    ),
    {
      seed,
      numRuns: Number(process.env.NUMACAST_RUNS ?? 60),
      interruptAfterTimeLimit: Number(process.env.NUMACAST_LIMIT_MS ?? 20_000),
      endOnFailure: process.env.NUMACAST_SHRINK === undefined,
    },
  )
  t.ok(runs > 0, `${runs} histories`)
})
