import fc from 'fast-check'
import t from 'tap'
import type { EntityGuid } from '../../src/core/ids.js'
import type { Relay } from '../../src/pubsub/endpoints/relay.js'
import type { Sample } from '../../src/pubsub/model/sample.js'
import { defineTopic, type Topic } from '../../src/pubsub/model/topic.js'
import type { Participant } from '../../src/pubsub/participant.js'
import type { Reader } from '../../src/pubsub/reader/reader.js'
import type { Writer } from '../../src/pubsub/writer/writer.js'
import { MemoryPlane } from '../../src/testing/memory-plane.js'

/**
 * Once a plane on a bad network is quiet, every copy equals its owners' caches. Until then tokens only rise, and no
 * change reaches a listener twice.
 */

interface Value {
  readonly id: string
  readonly n: number
  readonly ballast: string
}

const topic = defineTopic<Value>({ name: 'state', key: 'id', fields: ['id', 'n', 'ballast'] })
/** Each instance has several owners. Readers follow the strongest live one. */
const claims = defineTopic<Value>({
  name: 'claims',
  key: 'id',
  fields: ['id', 'n', 'ballast'],
  qos: { ownership: 'exclusive' },
})
/** Each instance has several owners. Readers hold the latest value by its owner's clock. */
const stamps = defineTopic<Value>({
  name: 'stamps',
  key: 'id',
  fields: ['id', 'n', 'ballast'],
  qos: { destinationOrder: 'by-source' },
})
/** The first two are equal, so the younger one wins. */
const strengths: Readonly<Record<string, number>> = { a: 2, b: 2, c: 1 }
/** Exceeds a datagram. A few of them exceed one catch-up reply. */
const heavy = 'x'.repeat(400_000)
const slots = ['a', 'b', 'c'] as const
const maxDelayMs = 60

type Step =
  | { readonly do: 'write'; readonly slot: number; readonly key: number; readonly n: number; readonly heavy: boolean }
  | { readonly do: 'dispose' | 'unregister'; readonly slot: number; readonly key: number }
  /** A key that all owners write and none disposes. */
  | { readonly do: 'share'; readonly slot: number; readonly n: number }
  /** An instance with several owners: the strongest, or the latest, wins. */
  | { readonly do: 'claim' | 'stamp'; readonly slot: number; readonly key: number; readonly n: number }
  /** The owner unregisters the instance. */
  | { readonly do: 'yield'; readonly slot: number; readonly key: number }
  | { readonly do: 'leave' | 'crash' | 'join'; readonly slot: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'faults'; readonly loss: number; readonly duplicate: number; readonly delay: number }
  | { readonly do: 'split'; readonly slot: number }
  | { readonly do: 'heal' }
  | { readonly do: 'break' }
  /** The writer no longer remembers which instances it has ended. */
  | { readonly do: 'forget'; readonly slot: number }

const slot = fc.nat({ max: slots.length - 1 })
const key = fc.nat({ max: 7 })
const isHeavy = fc.nat(9).map((die) => die === 0)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constant('write' as const), slot, key, n: fc.nat(999), heavy: isHeavy }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('dispose' as const), slot, key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unregister' as const), slot, key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('share' as const), slot, n: fc.nat(999) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('claim' as const, 'stamp' as const),
      slot,
      key: fc.nat({ max: 1 }),
      n: fc.nat(999),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('yield' as const), slot, key: fc.nat({ max: 1 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('leave' as const, 'crash' as const), slot }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('join' as const), slot }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 700 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 9000 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('faults' as const),
      loss: fc.double({ min: 0, max: 0.5, noNaN: true }),
      duplicate: fc.double({ min: 0, max: 0.5, noNaN: true }),
      delay: fc.integer({ min: 0, max: maxDelayMs }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('split' as const), slot }) },
  { weight: 2, arbitrary: fc.constantFrom<Step>({ do: 'heal' }, { do: 'break' }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('forget' as const), slot }) },
)

/** Checks the guarantees of one reader while it runs. */
class Watch {
  readonly reader: Reader<Value>
  readonly violations: string[] = []
  readonly #last = new Map<string, Sample<Value>>()
  readonly #tokens = new Map<EntityGuid, number>()

  constructor(participant: Participant, reader: Reader<Value>) {
    this.reader = reader
    participant.onPeer(({ kind, peer }) => {
      if (kind === 'left')
        for (const writer of this.#tokens.keys()) if (writer.startsWith(peer.guid)) this.#tokens.delete(writer)
    })
    reader.onSample((sample) => this.#onSample(sample))
  }

  #onSample(sample: Sample<Value>): void {
    const before = this.#last.get(sample.key)
    this.#last.set(sample.key, sample)
    if (before === undefined || sample.instanceState === 'no-writers' || before.instanceState === 'no-writers') return
    if (before.token.writer !== sample.token.writer) return
    const isEnd = sample.instanceState === 'disposed' && before.instanceState === 'alive'
    const isNewer = sample.token.seq > before.token.seq || (isEnd && sample.token.seq === before.token.seq)
    if (!isNewer)
      this.violations.push(`${sample.key}: ${before.token.seq} then ${sample.token.seq} ${sample.instanceState}`)
  }

  look(): void {
    for (const { writer, appliedSeq, headSeq } of this.reader.lag()) {
      if (appliedSeq < (this.#tokens.get(writer) ?? 0)) this.violations.push(`token of ${writer} fell to ${appliedSeq}`)
      if (appliedSeq > headSeq) this.violations.push(`token of ${writer} is beyond its head`)
      this.#tokens.set(writer, appliedSeq)
    }
  }

  alive(): Record<string, number> {
    const held = [...this.reader.entries()].filter(([, sample]) => sample.instanceState === 'alive')
    return Object.fromEntries(held.map(([id, sample]) => [id, sample.value?.n ?? -1]).sort())
  }
}

interface Member {
  readonly participant: Participant
  readonly writer: Writer<Value>
  readonly watch: Watch
  readonly claims: Contended
  readonly stamps: Contended
}

/** The writer and watch of one member on a topic whose instances may have several owners. */
interface Contended {
  readonly writer: Writer<Value>
  readonly watch: Watch
}

class World {
  readonly plane: MemoryPlane
  readonly members = new Map<string, Member>()
  readonly watches: Watch[] = []
  relay: Relay<Value> | undefined
  beyond: Watch | undefined
  /** Instances that an owner has ever unregistered. A relay may keep them. */
  readonly #givenUp = new Set<string>()

  constructor(seed: number) {
    this.plane = new MemoryPlane(seed)
  }

  /** One relay carries everything from partition `near` to `far`, where one reader listens. */
  async begin(): Promise<void> {
    const relaying = await this.plane.join('relay')
    const near = relaying.reader(topic, { partition: 'near' })
    this.relay = relaying.relay(near, { partition: 'far' })
    this.watches.push(new Watch(relaying, near))
    const listening = await this.plane.join('beyond')
    this.beyond = new Watch(listening, listening.reader(topic, { partition: 'far' }))
    this.watches.push(this.beyond)
    for (const name of slots) await this.join(name)
  }

  async join(name: string): Promise<void> {
    if (this.members.has(name)) return
    const participant = await this.plane.join(name)
    const writer = participant.writer(topic, { partition: 'near' })
    const watch = new Watch(participant, participant.reader(topic, { partition: 'near' }))
    const ownershipStrength = strengths[name] ?? 0
    const contend = (contended: Topic<Value>): Contended => ({
      writer: participant.writer(contended, { partition: 'near', qos: { ownershipStrength } }),
      watch: new Watch(participant, participant.reader(contended, { partition: 'near' })),
    })
    const member = { participant, writer, watch, claims: contend(claims), stamps: contend(stamps) }
    this.watches.push(watch, member.claims.watch, member.stamps.watch)
    this.members.set(name, member)
  }

  async take(step: Step): Promise<void> {
    const { network, clock } = this.plane
    if (step.do === 'advance') return this.advance(step.ms)
    if (step.do === 'heal') return network.heal()
    if (step.do === 'break') {
      for (const name of slots) for (const other of [...slots, 'relay']) network.breakStreams(name, other)
      return
    }
    if (step.do === 'faults') {
      return network.setFaults({ lossRatio: step.loss, duplicateRatio: step.duplicate, maxDelayMs: step.delay })
    }
    const name = slots[step.slot] ?? 'a'
    if (step.do === 'split')
      return network.partition(
        [name],
        [...slots, 'relay', 'beyond'].filter((other) => other !== name),
      )
    if (step.do === 'join') return this.join(name)
    const member = this.members.get(name)
    if (member === undefined) return
    if (step.do === 'write')
      member.writer.write({ id: `${name}${step.key}`, n: step.n, ballast: step.heavy ? heavy : '' })
    else if (step.do === 'share') {
      // If two are written within the network's delay, either may win.
      await this.advance(2 * maxDelayMs)
      member.writer.write({ id: 'shared', n: step.n, ballast: '' })
    } else if (step.do === 'claim') member.claims.writer.write({ id: `x${step.key}`, n: step.n, ballast: '' })
    else if (step.do === 'stamp') member.stamps.writer.write({ id: `s${step.key}`, n: step.n, ballast: '' })
    else if (step.do === 'yield') member.claims.writer.unregister(`x${step.key}`)
    else if (step.do === 'forget') member.writer.cache.forgetTombstones(Infinity)
    else if (step.do === 'dispose') member.writer.dispose(`${name}${step.key}`)
    else if (step.do === 'unregister') {
      if (member.writer.unregister(`${name}${step.key}`) !== undefined) this.#givenUp.add(`${name}${step.key}`)
    } else {
      this.members.delete(name)
      // A crash: no participant receives what it still sends.
      if (step.do === 'crash') network.disconnect(name)
      await member.participant.close()
      // If two owners write one key within the network's delay, either may win. A restart takes longer than that.
      await this.advance(2 * maxDelayMs)
      if (step.do === 'crash') network.reconnect(name)
    }
    await clock.advance(0)
  }

  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 50) {
      await this.plane.clock.advance(Math.min(50, left))
      for (const watch of this.watches) watch.look()
    }
  }

  /** Returns what all owners hold. */
  owned(): Record<string, number> {
    const entries: [string, number][] = []
    let sharedMs = 0
    for (const { writer } of this.members.values()) {
      for (const id of writer.keys()) {
        const writtenMs = writer.cache.latest(id)?.writtenMs ?? 0
        if (id === 'shared' && writtenMs < sharedMs) continue
        if (id === 'shared') sharedMs = writtenMs
        entries.push([id, writer.get(id)?.n ?? -1])
      }
    }
    // The last entry of the shared key wins. It is the latest.
    return Object.fromEntries(Object.entries(Object.fromEntries(entries)).sort())
  }

  /** Returns the strongest owner's value of each exclusive instance: by strength, then by youth, then by GUID. */
  claimed(): Record<string, number> {
    return this.#won(
      ({ claims }) => claims.writer,
      (one, other) =>
        one.claims.writer.qos.ownershipStrength - other.claims.writer.qos.ownershipStrength ||
        one.participant.incarnation - other.participant.incarnation ||
        (one.claims.writer.guid > other.claims.writer.guid ? 1 : -1),
    )
  }

  /** Returns the value written last of each instance ordered by source. Within one millisecond the higher GUID wins. */
  stamped(): Record<string, number> {
    return this.#won(
      ({ stamps }) => stamps.writer,
      (one, other, id) =>
        sourceTimeMs(one.stamps.writer, id) - sourceTimeMs(other.stamps.writer, id) ||
        (one.stamps.writer.guid > other.stamps.writer.guid ? 1 : -1),
    )
  }

  #won(
    writerOf: (member: Member) => Writer<Value>,
    compare: (one: Member, other: Member, id: string) => number,
  ): Record<string, number> {
    const winners = new Map<string, Member>()
    for (const member of this.members.values()) {
      for (const id of writerOf(member).keys()) {
        const before = winners.get(id)
        if (before === undefined || compare(member, before, id) > 0) winners.set(id, member)
      }
    }
    return Object.fromEntries(
      [...winners].map(([id, member]) => [id, writerOf(member).get(id)?.n ?? -1] as const).sort(),
    )
  }

  differences(): string[] {
    const found = this.watches.flatMap(({ violations }) => violations)
    const compare = (holder: string, held: Record<string, number>, owned: Record<string, number>): void => {
      if (JSON.stringify(held) !== JSON.stringify(owned)) {
        found.push(`${holder} holds ${JSON.stringify(held)}, owners ${JSON.stringify(owned)}`)
      }
    }
    for (const [name, { watch, claims, stamps }] of this.members) {
      compare(name, watch.alive(), this.owned())
      compare(`${name}, claims,`, claims.watch.alive(), this.claimed())
      compare(`${name}, stamps,`, stamps.watch.alive(), this.stamped())
    }
    const relayed = this.beyond?.alive() ?? {}
    const owned = this.owned()
    // The relay keeps the instances of departed owners. Those of live owners must match exactly.
    const isLiving = (id: string): boolean => this.members.has(id.slice(0, 1))
    compare('beyond', Object.fromEntries(Object.entries(relayed).filter(([id]) => id in owned)), owned)
    for (const id of Object.keys(relayed)) {
      if (isLiving(id) && !(id in owned) && !this.#givenUp.has(id) && !this.#leftBehind(id))
        found.push(`beyond still holds ${id}`)
    }
    return found
  }

  /** Returns whether the owner is an earlier incarnation, which never ended the instance. */
  #leftBehind(id: string): boolean {
    const owner = this.beyond?.reader.get(id)?.token.writer
    return owner !== undefined && owner !== this.members.get(id.slice(0, 1))?.writer.guid
  }
}

function sourceTimeMs(writer: Writer<Value>, id: string): number {
  return writer.cache.latest(id)?.sourceTimeMs ?? 0
}

t.test('copies converge on what their owners hold', async (t) => {
  const seed = Number(process.env.NUMACAST_SEED ?? 1)
  t.comment(`NUMACAST_SEED=${seed}`)
  let runs = 0
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.array(step, { minLength: 5, maxLength: 60 }), async (networkSeed, steps) => {
      runs++
      const world = new World(networkSeed)
      await world.begin()
      for (const next of steps) await world.take(next)
      world.plane.network.heal()
      world.plane.network.setFaults({})
      await world.advance(12_000)
      const differences = world.differences()
      await world.plane.close()
      if (world.plane.clock.pendingTimers > 0) differences.push(`${world.plane.clock.pendingTimers} timers left`)
      if (differences.length > 0) throw new Error(differences.join('\n'))
    }),
    {
      seed,
      numRuns: Number(process.env.NUMACAST_RUNS ?? 100),
      interruptAfterTimeLimit: Number(process.env.NUMACAST_LIMIT_MS ?? 20_000),
      endOnFailure: process.env.NUMACAST_SHRINK === undefined,
    },
  )
  t.ok(runs > 0, `${runs} histories`)
})
