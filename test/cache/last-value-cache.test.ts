import fc from 'fast-check'
import t from 'tap'
import { LastValueCache } from '../../src/cache/last-value-cache.js'

/** What the cache promises, as plainly as possible: a list of all changes ever, filtered on demand. */
class Model {
  readonly #depth: number
  readonly #maxTombstones: number
  #changes: { seq: number; key: string; value: string | undefined; writtenMs: number }[] = []
  #tombstones: string[] = []
  lastSeq = 0
  horizon = 0

  constructor(depth: number, maxTombstones: number) {
    this.#depth = depth
    this.#maxTombstones = maxTombstones
  }

  get alive(): string[] {
    return [...new Set(this.#changes.map(({ key }) => key))].filter((key) => !this.#tombstones.includes(key))
  }

  put(key: string, value: string, writtenMs: number): number {
    this.#tombstones = this.#tombstones.filter((other) => other !== key)
    return this.#add(key, value, writtenMs, this.#depth)
  }

  dispose(key: string, writtenMs: number): number | undefined {
    if (!this.alive.includes(key)) return undefined
    const seq = this.#add(key, undefined, writtenMs, 1)
    this.#tombstones.push(key)
    if (this.#tombstones.length > this.#maxTombstones) this.#forget(this.#tombstones[0] ?? '')
    return seq
  }

  forgetTombstones(beforeMs: number): void {
    while (this.#tombstones[0] !== undefined) {
      const key = this.#tombstones[0]
      if ((this.#changes.findLast((change) => change.key === key)?.writtenMs ?? 0) >= beforeMs) return
      this.#forget(key)
    }
  }

  after(seq: number): string[] {
    return this.#changes.filter((change) => change.seq > seq).map(({ seq, key, value }) => `${seq} ${key} ${value}`)
  }

  #add(key: string, value: string | undefined, writtenMs: number, depth: number): number {
    this.#changes.push({ seq: ++this.lastSeq, key, value, writtenMs })
    const own = this.#changes.filter((change) => change.key === key)
    const dropped = new Set(own.slice(0, Math.max(0, own.length - depth)))
    this.#changes = this.#changes.filter((change) => !dropped.has(change))
    return this.lastSeq
  }

  #forget(key: string): void {
    for (const { seq, key: other } of this.#changes) if (other === key) this.horizon = Math.max(this.horizon, seq)
    this.#changes = this.#changes.filter((change) => change.key !== key)
    this.#tombstones = this.#tombstones.filter((other) => other !== key)
  }
}

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g')
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), key, value: fc.string({ maxLength: 12 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('dispose' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget' as const), agoMs: fc.nat(30) }) },
)

t.test('behaves as the model', (t) => {
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
            if (cache.put(next.key, Buffer.from(next.value), nowMs) !== model.put(next.key, next.value, nowMs))
              throw new Error('put')
          } else if (next.do === 'dispose') {
            if (cache.dispose(next.key, nowMs) !== model.dispose(next.key, nowMs)) throw new Error('dispose')
          } else {
            cache.forgetTombstones(nowMs - next.agoMs)
            model.forgetTombstones(nowMs - next.agoMs)
          }
        })
        for (const seq of [0, token, model.lastSeq - 1, model.lastSeq]) {
          const found = [...cache.changesAfter(seq)].map(({ seq, key, disposed, value, valueLength }) => {
            return `${seq} ${key} ${disposed ? undefined : Buffer.from(value.subarray(0, valueLength))}`
          })
          if (JSON.stringify(found) !== JSON.stringify(model.after(seq)))
            throw new Error(`after ${seq}: ${found} | ${model.after(seq)}`)
        }
        const facts = (of: { lastSeq: number; horizon: number }, alive: string[]) =>
          JSON.stringify([of.lastSeq, of.horizon, alive.sort()])
        if (facts(cache, [...cache.keys()]) !== facts(model, model.alive))
          throw new Error(`${facts(cache, [...cache.keys()])} ${facts(model, model.alive)}`)
        if (cache.size !== model.alive.length) throw new Error('size')
      },
    ),
    { seed: 1, numRuns: 400 },
  )
  t.end()
})

t.test('limits and provenance', (t) => {
  const cache = new LastValueCache({ maxInstances: 1 })
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
  t.equal(cache.latest('k1')?.value, slot, 'slots are used again')
  t.equal([...cache.changesAfter(0)].length, 10)
  t.end()
})
