import fc from 'fast-check'
import t from 'tap'
import { type CacheQos, LastValueCache } from '../../src/cache/last-value-cache.js'
import { defaultResourceLimits, type ResourceLimits } from '../../src/qos/resource-limits.js'

interface Written {
  seq: number
  /** Below `seq` for a value that its writer has unregistered. */
  readonly valueSeq: number
  readonly key: string
  readonly value: string | undefined
}

/** Reference model of the cache: a list of all changes, filtered on demand. */
class Model {
  readonly #depth: number
  readonly #maxTombstones: number
  #changes: Written[] = []
  #tombstones: { key: string; endedMs: number }[] = []
  lastSeq = 0
  horizon = 0

  constructor(depth: number, maxTombstones: number) {
    this.#depth = depth
    this.#maxTombstones = maxTombstones
  }

  get alive(): string[] {
    const ended = this.#tombstones.map(({ key }) => key)
    return [...new Set(this.#changes.map(({ key }) => key))].filter((key) => !ended.includes(key))
  }
  get samples(): number {
    return this.#changes.filter(({ seq, valueSeq, value }) => value !== undefined && seq === valueSeq).length
  }

  put(key: string, value: string): number {
    this.#tombstones = this.#tombstones.filter((other) => other.key !== key)
    return this.#add(key, value)
  }

  dispose(key: string, nowMs: number): number | undefined {
    if (!this.alive.includes(key)) return undefined
    const seq = this.#add(key, undefined)
    this.#ended(key, nowMs)
    return seq
  }

  unregister(key: string, nowMs: number): number | undefined {
    const last = this.#changes.findLast((change) => change.key === key)
    if (last === undefined || !this.alive.includes(key)) return undefined
    this.#changes = [...this.#changes.filter((change) => change !== last), { ...last, seq: ++this.lastSeq }]
    this.#ended(key, nowMs)
    return this.lastSeq
  }

  forgetTombstones(beforeMs: number): void {
    for (const { key, endedMs } of [...this.#tombstones]) if (endedMs < beforeMs) this.#forget(key)
  }

  after(seq: number): string[] {
    return this.#changes.filter((change) => change.seq > seq).map(shown)
  }

  #add(key: string, value: string | undefined): number {
    const seq = ++this.lastSeq
    this.#changes.push({ seq, valueSeq: seq, key, value })
    const own = this.#changes.filter((change) => change.key === key)
    const dropped = new Set(own.slice(0, Math.max(0, own.length - this.#depth)))
    this.#changes = this.#changes.filter((change) => !dropped.has(change))
    return seq
  }

  #ended(key: string, endedMs: number): void {
    this.#tombstones.push({ key, endedMs })
    if (this.#tombstones.length > this.#maxTombstones) this.#forget(this.#tombstones[0]?.key ?? '')
  }

  #forget(key: string): void {
    for (const { seq, key: other } of this.#changes) if (other === key) this.horizon = Math.max(this.horizon, seq)
    this.#changes = this.#changes.filter((change) => change.key !== key)
    this.#tombstones = this.#tombstones.filter((other) => other.key !== key)
  }
}

function shown({ seq, valueSeq, key, value }: Written): string {
  return `${seq} (${valueSeq}) ${key} ${value}`
}

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g')
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), key, value: fc.string({ maxLength: 12 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('dispose' as const), key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unregister' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget' as const), agoMs: fc.nat(30) }) },
)

t.test('the cache behaves like the model', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 4 }),
      fc.array(step, { maxLength: 250 }),
      fc.nat(300),
      (historyDepth, maxTombstones, steps, token) => {
        const cache = new LastValueCache({ historyDepth, maxTombstones })
        const model = new Model(historyDepth, maxTombstones)
        steps.forEach((next, nowMs) => {
          if (next.do === 'put') {
            if (cache.put(next.key, Buffer.from(next.value), nowMs) !== model.put(next.key, next.value))
              throw new Error('put')
          } else if (next.do === 'dispose') {
            if (cache.dispose(next.key, nowMs) !== model.dispose(next.key, nowMs)) throw new Error('dispose')
          } else if (next.do === 'unregister') {
            if (cache.unregister(next.key, nowMs) !== model.unregister(next.key, nowMs)) throw new Error('unregister')
          } else {
            cache.forgetTombstones(nowMs - next.agoMs)
            model.forgetTombstones(nowMs - next.agoMs)
          }
        })
        for (const seq of [0, token, model.lastSeq - 1, model.lastSeq]) {
          const found = [...cache.changesAfter(seq)].map((change) => {
            const { disposed, value, valueLength } = change
            return shown({ ...change, value: disposed ? undefined : `${Buffer.from(value.subarray(0, valueLength))}` })
          })
          if (JSON.stringify(found) !== JSON.stringify(model.after(seq)))
            throw new Error(`after ${seq}: ${found} | ${model.after(seq)}`)
        }
        const facts = (of: { lastSeq: number; horizon: number; samples: number }, alive: string[]) =>
          JSON.stringify([of.lastSeq, of.horizon, of.samples, alive.sort()])
        if (facts(cache, [...cache.keys()]) !== facts(model, model.alive))
          throw new Error(`${facts(cache, [...cache.keys()])} ${facts(model, model.alive)}`)
        if (cache.size !== model.alive.length) throw new Error('size')
      },
    ),
    { seed: 1, numRuns: 400 },
  )
  t.end()
})

t.test('the cache keeps the origin of a relayed value, and refuses instances over its limit', (t) => {
  const cache = new LastValueCache({ resourceLimits: { ...defaultResourceLimits, maxInstances: 1 } })
  const origin = { participant: 'f'.repeat(32) as never, writer: 3 as never, seq: 9 }
  t.equal(cache.put('a', Buffer.from('1'), 10, { origin, writtenMs: 4 }), 1)
  t.match(cache.latest('a'), { origin, writtenMs: 4, seq: 1 })
  t.throws(() => cache.put('b', Buffer.alloc(1), 10), { code: 'NUMACAST_LIMIT' })
  t.equal(cache.lastSeq, 1, 'nothing was changed')
  t.equal(cache.dispose('b', 11), undefined)
  t.equal(cache.dispose('a', 11), 2)
  t.match(cache.latest('a'), { disposed: true, origin: undefined, writtenMs: 11 })
  t.equal(cache.dispose('a', 12), undefined)
  t.equal(cache.put('b', Buffer.alloc(0), 12), 3, 'a tombstone is no instance')
  t.equal(cache.latest('b')?.valueLength, 0)
  t.end()
})

t.test('the log does not grow with overwritten changes', (t) => {
  const cache = new LastValueCache()
  const value = Buffer.from('value')
  for (let n = 0; n < 100_000; n++) cache.put(`k${n % 10}`, value, n)
  const slot = cache.latest('k1')?.value
  cache.put('k1', value, 1)
  t.equal(cache.latest('k1')?.value, slot, 'slots are reused')
  t.equal([...cache.changesAfter(0)].length, 10)
  t.end()
})

t.test('a put over a limit changes nothing, and the message names the limit', (t) => {
  const limited = (resourceLimits: Partial<ResourceLimits>, qos: Partial<CacheQos> = {}): LastValueCache =>
    new LastValueCache({ name: "topic 'x'", ...qos, resourceLimits: { ...defaultResourceLimits, ...resourceLimits } })
  const value = Buffer.from('v')
  const refused = (cache: LastValueCache, key: string, limit: string, most: number): void => {
    const before = [cache.lastSeq, cache.size, cache.samples, [...cache.changesAfter(0)].length]
    const message = `topic 'x', instance '${key}': refused, resourceLimits.${limit} is ${most}`
    t.throws(() => cache.put(key, value, 0), {
      code: 'NUMACAST_LIMIT',
      message,
      details: { instance: key, limit, most },
    })
    t.same([cache.lastSeq, cache.size, cache.samples, [...cache.changesAfter(0)].length], before)
  }
  const few = limited({ maxSamples: 2 })
  few.put('a', value, 0)
  few.put('a', value, 0)
  few.put('b', value, 0)
  refused(few, 'c', 'maxSamples', 2)
  few.put('b', value, 0)
  few.dispose('a', 0)
  t.equal(few.put('c', value, 0), 6, 'the end of an instance is no sample')
  refused(few, 'a', 'maxSamples', 2)

  const all = limited({ maxSamples: 5, maxSamplesPerInstance: 3 }, { history: 'keep-all' })
  for (let n = 0; n < 3; n++) all.put('a', value, n)
  refused(all, 'a', 'maxSamplesPerInstance', 3)
  all.put('b', value, 0)
  all.put('b', value, 0)
  refused(all, 'b', 'maxSamples', 5)
  t.equal(all.release(5), false, 'transient-local: acknowledged samples are kept for late joiners')
  refused(all, 'c', 'maxSamples', 5)
  all.dispose('a', 9)
  refused(all, 'c', 'maxSamples', 5)
  t.equal(all.release(6), true, 'but not the history of an instance that all readers know to be disposed')
  t.same([all.samples, [...all.changesAfter(0)].map(({ seq }) => seq)], [2, [4, 5, 6]])
  all.put('c', value, 9)
  t.end()
})

t.test('keep-all, volatile: acknowledged samples make room, and the latest value stays readable', (t) => {
  const resourceLimits = { ...defaultResourceLimits, maxSamples: 4, maxSamplesPerInstance: 3 }
  const cache = new LastValueCache({ history: 'keep-all', durability: 'volatile', resourceLimits })
  const value = Buffer.from('v')
  const seqs = (): number[] => [...cache.changesAfter(0)].map(({ seq }) => seq)
  for (const key of ['a', 'a', 'b', 'a']) cache.put(key, value, 0)
  t.same(cache.limitReached('b'), { limit: 'maxSamples', most: 4 })
  t.equal(cache.release(2), true)
  t.same([cache.samples, seqs()], [2, [3, 4]])
  t.equal(cache.release(2), false)
  cache.put('a', value, 0)
  t.equal(cache.release(5), true)
  t.same([cache.samples, seqs()], [0, [3, 5]], 'one each')
  for (let n = 0; n < 3; n++) cache.put('a', value, 0)
  t.same(cache.limitReached('a'), { limit: 'maxSamplesPerInstance', most: 3 }, 'the released sample does not count')
  t.same([cache.samples, seqs()], [3, [3, 6, 7, 8]])
  t.equal(cache.unregister('b', 0), 9)
  t.equal(cache.dispose('a', 0), 10)
  t.same([cache.samples, seqs()], [3, [6, 7, 8, 9, 10]])
  cache.release(10)
  t.same([cache.samples, cache.size, seqs()], [0, 0, [9, 10]])
  t.end()
})

t.test('a lifespan drops old values, and returns the instances without a younger value', (t) => {
  const cache = new LastValueCache({ historyDepth: 3, lifespanMs: 1_000 })
  for (const writtenMs of [1, 2, 3]) cache.put('a', Buffer.from(`${writtenMs}`), writtenMs)
  cache.put('b', Buffer.from('1'), 1)
  t.same(cache.expire(3), ['b'])
  t.same([cache.samples, [...cache.changesAfter(0)].map(({ seq }) => seq)], [2, [3, 4]])
  t.end()
})

t.test('values of unregistered instances are remembered within a budget of bytes', (t) => {
  const cache = new LastValueCache({ maxTombstoneBytes: 25 })
  for (const key of ['a', 'b', 'c']) cache.put(key, Buffer.alloc(10), 0)
  for (const key of ['a', 'b']) cache.unregister(key, 1)
  t.equal(cache.horizon, 0)
  cache.unregister('c', 1)
  t.equal(cache.horizon, 4, 'the oldest had to go')
  t.equal(cache.latest('a'), undefined)
  cache.put('b', Buffer.alloc(10), 2)
  cache.put('a', Buffer.alloc(10), 2)
  cache.unregister('a', 3)
  t.equal(cache.horizon, 4, 'an instance that is written again is no tombstone')
  t.end()
})

/** Counts the entries of maps and sets that `act` iterates over. */
function iterated(act: () => void): number {
  let count = 0
  const restore: (() => void)[] = []
  for (const { prototype } of [Map, Set]) {
    const original = prototype[Symbol.iterator]
    const { entries, keys, values } = prototype
    const counting = (iterate: () => IterableIterator<unknown>) =>
      function* (this: unknown): Generator<unknown> {
        for (const item of { [Symbol.iterator]: () => iterate.call(this) }) {
          count++
          yield item
        }
      }
    const patched = { entries: counting(entries), keys: counting(keys), values: counting(values) }
    Object.assign(prototype, patched, { [Symbol.iterator]: counting(original as () => IterableIterator<unknown>) })
    restore.push(() => Object.assign(prototype, { entries, keys, values, [Symbol.iterator]: original }))
  }
  try {
    act()
  } finally {
    for (const undo of restore) undo()
  }
  return count
}

t.test('a sweep visits only the instances whose oldest value may have expired', (t) => {
  const cache = new LastValueCache({ lifespanMs: 60_000 })
  for (let n = 0; n < 10_000; n++) cache.put(`k${n}`, Buffer.from('v'), n)
  const sweeps = (fromMs: number, toMs: number): string[] => {
    const outlived: string[] = []
    for (let nowMs = fromMs; nowMs < toMs; nowMs += 250) outlived.push(...cache.expire(nowMs - 60_000))
    return outlived
  }
  t.equal(
    iterated(() => t.same(sweeps(10_000, 60_000), [])),
    0,
    'no instance is visited while none is due',
  )
  cache.put('k0', Buffer.from('w'), 60_000)
  const due = cache.expire(100)
  t.same(due.length, 99, 'k0 was written again')
  t.notOk(due.includes('k0'))
  for (const key of due) cache.dispose(key, 60_100)
  t.ok(iterated(() => t.same(cache.expire(100), [])) < 10, 'ended instances are not visited again')
  t.same(cache.expire(101), ['k100'])
  t.same(cache.expire(101), ['k100'], 'until it is ended')
  t.end()
})

t.test('an ended instance keeps no older value than its lifespan allows', (t) => {
  const cache = new LastValueCache({ historyDepth: 3, lifespanMs: 1_000 })
  for (const writtenMs of [1, 2, 3]) cache.put('a', Buffer.from(`${writtenMs}`), writtenMs)
  cache.unregister('a', 4)
  t.same(cache.expire(3), [])
  t.same([...cache.changesAfter(0)].length, 1)
  t.same(cache.expire(10), [])
  cache.put('a', Buffer.from('5'), 5)
  t.same(cache.expire(10), ['a'], 'alive again')
  t.end()
})
