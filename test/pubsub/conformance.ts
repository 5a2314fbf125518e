import type { Test } from 'tap'
import { builtinTopics } from '../../src/pubsub/model/builtin-topics.js'
import type { MismatchEvent, ReaderEvent, WriterEvent } from '../../src/pubsub/model/events.js'
import type { Sample } from '../../src/pubsub/model/sample.js'
import { defineTopic, type Lane, type Topic } from '../../src/pubsub/model/topic.js'
import type { Participant } from '../../src/pubsub/participant.js'
import type { Reader } from '../../src/pubsub/reader/reader.js'
import type { Writer } from '../../src/pubsub/writer/writer.js'
import type { QosOptions } from '../../src/qos/qos.js'

/** What a lane's test file must provide so that the common cases can run on it. */
export interface Bed {
  /** A new member of the bed's domain. */
  join(name: string): Promise<Participant>
  /** Lets time pass until the condition holds. Rejects after a generous timeout. */
  until(what: string, condition: () => boolean): Promise<void>
  /** Lets time pass until `work` settles, and returns its outcome. */
  settle<T>(work: Promise<T>): Promise<T>
  /** Makes the network lose this fraction of all datagrams. Returns false if this bed cannot. */
  lose(ratio: number): boolean
  /** Closes all members and checks that nothing is left behind. */
  close(): Promise<void>
}

interface Value {
  readonly id: string
  readonly n: number
  readonly ballast?: string
}

/** Checks the guarantees of publish and subscribe: the same cases for every lane and every network. */
export function conformance(t: Test, lane: Lane, openBed: (t: Test) => Promise<Bed>): void {
  const topic = defineTopic<Value>({ name: 'conformance', key: 'id', fields: ['id', 'n', 'ballast'], lane })
  const promise = (name: string, run: (t: Test, bed: Bed) => Promise<void>): void => {
    t.test(name, async (t) => {
      const bed = await openBed(t)
      try {
        await run(t, bed)
      } finally {
        await bed.close()
      }
    })
  }
  /** Opens a writer and a synced reader in different participants, and records what the reader's listener receives. */
  const pair = async (bed: Bed, options: Pair = {}) => {
    const writing = await bed.join('writing')
    const reading = await bed.join('reading')
    const writer = writing.writer(options.writerTopic ?? topic, { qos: options.offered ?? {} })
    const reader = reading.reader(topic, { qos: options.requested ?? {} })
    const received: Sample<Value>[] = []
    reader.onSample((sample) => received.push(sample))
    await bed.until('the writer is known', () => reader.lag().length === 1)
    await bed.settle(reader.synced())
    return { writing, reading, writer, reader, received }
  }

  promise('a late joiner receives the last value of every live instance, and nothing else', async (t, bed) => {
    const writing = await bed.join('writing')
    const writer = writing.writer(topic)
    for (let n = 0; n < 600; n++) writer.write({ id: `k${n % 200}`, n })
    for (let n = 0; n < 50; n++) writer.dispose(`k${n}`)
    const reader = (await bed.join('reading')).reader(topic)
    await bed.until('the writer is known', () => reader.lag().length === 1)
    await bed.settle(reader.synced())
    const held = new Map([...reader.entries()].map(([key, { value }]) => [key, value?.n]))
    t.same(held, new Map(Array.from({ length: 150 }, (_, n) => [`k${n + 50}`, n + 450])))
    t.match(reader.lag(), [{ writer: writer.guid, appliedSeq: 650, headSeq: 650, catchUpState: 'fresh' }])
  })

  promise('every change that is sent is received once, in sequence order', async (t, bed) => {
    const { writer, reader, received } = await pair(bed)
    for (let n = 1; n <= 300; n++) {
      writer.write({ id: `k${n % 7}`, n })
      writer.flush()
      if (n % 50 === 0) await bed.until('it has arrived', () => reader.lag()[0]?.appliedSeq === n)
    }
    for (let key = 0; key < 7; key++) {
      const seqs = received.filter((sample) => sample.key === `k${key}`).map(({ token }) => token.seq)
      t.same(
        seqs,
        [...new Set(seqs)].sort((a, b) => a - b),
        'each once, ascending',
      )
      t.equal(seqs.at(-1), reader.get(`k${key}`)?.value?.n)
    }
    t.same(
      received.map(({ value }) => value?.n),
      received.map(({ token }) => token.seq),
    )
    t.same([...reader.entries()].map(([, { value }]) => value?.n).sort(), [294, 295, 296, 297, 298, 299, 300])
  })

  promise('a value overwritten within one tick is sent once, with its last value', async (t, bed) => {
    const { writer, reader, received } = await pair(bed)
    for (let n = 1; n <= 500; n++) writer.write({ id: 'k', n })
    await bed.until('the last has arrived', () => reader.get('k')?.value?.n === 500)
    t.same(
      received.map(({ value }) => value?.n),
      [500],
    )
  })

  promise('an instance ends when it is disposed, and is new when it is written again', async (t, bed) => {
    const { writer, reader, received } = await pair(bed)
    writer.write({ id: 'k', n: 1 })
    await bed.until('it is there', () => reader.get('k') !== undefined)
    writer.dispose('k')
    await bed.until('it has gone', () => reader.get('k') === undefined)
    writer.write({ id: 'k', n: 2 })
    await bed.until('it is back', () => reader.get('k')?.value?.n === 2)
    t.same(
      received.map(({ instanceState, viewState }) => `${instanceState} ${viewState}`),
      ['alive new', 'disposed not-new', 'alive new'],
    )
  })

  promise('when a participant leaves, its values stay without a writer', async (t, bed) => {
    const { writing, writer, reader } = await pair(bed)
    writer.write({ id: 'k', n: 7 })
    await bed.until('it is there', () => reader.get('k') !== undefined)
    await bed.settle(writing.close())
    await bed.until('it has no owner', () => reader.get('k')?.instanceState === 'no-writers')
    t.equal(reader.get('k')?.value?.n, 7)
    t.equal(reader.lag().length, 0)
  })

  promise('an unregistered instance keeps its last value and has no writer', async (t, bed) => {
    const { writer, reader } = await pair(bed)
    writer.write({ id: 'a', n: 1 })
    writer.write({ id: 'b', n: 2 })
    writer.unregister('a')
    await bed.until('it has no writer', () => reader.get('a')?.instanceState === 'no-writers')
    t.match(reader.get('a'), { value: { n: 1 } })
    t.match(reader.get('b'), { value: { n: 2 }, instanceState: 'alive' })
    t.same([...writer.keys()], ['b'])
  })

  promise('keep-all: every value arrives in order, however many wait for room', async (t, bed) => {
    const all = { history: 'keep-all', durability: 'volatile' } as const
    const { writer, reader, received } = await pair(bed, {
      offered: { ...all, resourceLimits: { maxSamples: 20 } },
      requested: all,
    })
    await bed.until('the reader is known', () => writer.matchedReaders().length === 1)
    const writing = async (): Promise<void> => {
      for (let n = 0; n < 200; n++) {
        await writer.writable()
        writer.write({ id: `k${n % 3}`, n })
      }
      await writer.waitForAcknowledgments()
    }
    await bed.settle(writing())
    t.same(
      received.map(({ value }) => value?.n),
      Array.from({ length: 200 }, (_, n) => n),
    )
    t.match(reader.lag(), [{ appliedSeq: 200, lagSamples: 0 }])
    t.equal(writer.cache.samples, 0)
  })

  promise('volatile: a reader receives no past value and every later one', async (t, bed) => {
    const writing = await bed.join('writing')
    const writer = writing.writer(topic, { qos: { durability: 'volatile' } })
    writer.write({ id: 'past', n: 1 })
    writer.flush()
    const reader = (await bed.join('reading')).reader(topic, { qos: { durability: 'volatile' } })
    await bed.until('the writer is known', () => reader.lag().length === 1)
    await bed.settle(reader.synced())
    t.equal(reader.size, 0)
    for (let n = 0; n < 100; n++) writer.write({ id: `k${n}`, n })
    await bed.until('all are there', () => reader.size === 100)
    t.equal(reader.get('past'), undefined)
  })

  promise('a value far larger than any datagram arrives once', async (t, bed) => {
    const { writer, reader, received } = await pair(bed)
    const ballast = 'x'.repeat(200_000)
    for (let n = 1; n <= 5; n++) {
      writer.write({ id: 'large', n, ballast })
      writer.write({ id: 'small', n })
      await bed.until('both have arrived', () => reader.lag()[0]?.appliedSeq === 2 * n)
      t.equal(reader.get('large')?.value?.n, n)
      t.equal(reader.get('large')?.value?.ballast?.length, ballast.length)
      t.equal(reader.get('small')?.value?.n, n)
    }
    t.same(
      received.map(({ token }) => token.seq).sort((a, b) => a - b),
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    )
  })

  promise('fields may be added and removed: a reader decodes by the fields of the writer', async (t, bed) => {
    const newer = defineTopic<Value & { readonly extra: string }>({
      name: 'conformance',
      key: 'id',
      fields: ['extra', 'n', 'id'],
      lane,
    })
    const { writer, reader } = await pair(bed, { writerTopic: newer as unknown as Topic<Value> })
    writer.write({ id: 'k', n: 3, extra: 'new' } as Value)
    await bed.until('it is there', () => reader.get('k') !== undefined)
    t.same(reader.get('k')?.value, { extra: 'new', n: 3, id: 'k' })
  })

  promise('participants with intersecting partitions match, others do not', async (t, bed) => {
    const writing = await bed.join('writing')
    const reading = await bed.join('reading')
    const writer = writing.writer(topic, { partition: ['p', 'q'] })
    const elsewhere = writing.writer(topic, { partition: 'r' })
    const reader = reading.reader(topic, { partition: ['q', 's'] })
    await bed.until('the writer is known', () => reader.lag().length === 1)
    elsewhere.write({ id: 'r', n: 1 })
    writer.write({ id: 'q', n: 2 })
    await bed.until('it is there', () => reader.get('q') !== undefined)
    t.equal(reader.get('r'), undefined)
    t.same(
      reader.lag().map(({ writer }) => writer),
      [writer.guid],
    )
  })

  promise('several readers, one in the writing participant, hold the same values', async (t, bed) => {
    const writing = await bed.join('writing')
    const readers = [writing.reader(topic), writing.reader(topic)]
    for (const name of ['one', 'two']) {
      const reading = await bed.join(name)
      readers.push(reading.reader(topic), reading.reader(topic))
    }
    const writer = writing.writer(topic)
    for (let n = 0; n < 50; n++) writer.write({ id: `k${n}`, n })
    await bed.until('each reader has all values', () => readers.every(({ size }) => size === 50))
    const written = Array.from({ length: 50 }, (_, n) => n)
    for (const reader of readers) {
      t.same(
        written.map((n) => reader.get(`k${n}`)?.value?.n),
        written,
      )
    }
  })

  promise('a mismatch is reported on both sides', async (t, bed) => {
    const writing = await bed.join('writing')
    const reading = await bed.join('reading')
    const told = new Map<string, MismatchEvent>()
    writing.onMismatch((event) => told.set('writing', event))
    reading.onMismatch((event) => told.set('reading', event))
    const writer = writing.writer(topic, { qos: { reliability: 'best-effort' } })
    const reader = reading.reader(topic)
    await bed.until('both know', () => told.size === 2)
    for (const event of told.values()) {
      t.match(event, {
        kind: 'incompatible-qos',
        topic: 'conformance',
        writer: writer.guid,
        reader: reader.guid,
        policies: [{ policy: 'reliability', offered: 'best-effort', requested: 'reliable' }],
      })
    }
    t.equal(reader.lag().length, 0)
  })

  promise(
    'exclusive: the strongest owner is received, and after it leaves the next one with its current value',
    async (t, bed) => {
      const qos = { ownership: 'exclusive' } as const
      const reader = (await bed.join('reading')).reader(topic, { qos })
      const owners: { readonly leave: () => Promise<void>; readonly writer: Writer<Value> }[] = []
      for (const ownershipStrength of [1, 2, 3]) {
        const participant = await bed.join(`strength ${ownershipStrength}`)
        const writer = participant.writer(topic, { qos: { ...qos, ownershipStrength } })
        owners.push({ leave: () => participant.close(), writer })
      }
      await bed.until('all are known', () => reader.lag().length === 3)
      await bed.settle(reader.synced())
      for (const [at, { writer }] of [...owners].reverse().entries()) writer.write({ id: 'k', n: 3 - at })
      const isCaughtUp = (): boolean =>
        reader.lag().every(({ headSeq, lagSamples }) => headSeq === 1 && lagSamples === 0)
      await bed.until('all have arrived', isCaughtUp)
      t.equal(reader.get('k')?.value?.n, 3)
      for (const left of [2, 1]) {
        await bed.settle(owners.pop()?.leave() ?? Promise.resolve())
        await bed.until(`${left} has taken over`, () => reader.get('k')?.value?.n === left)
        t.match(reader.get('k'), { instanceState: 'alive', via: owners.at(-1)?.writer.guid })
      }
    },
  )

  promise('by source: all readers agree on which of two owners wrote last', async (t, bed) => {
    const qos = { destinationOrder: 'by-source' } as const
    const writers = [
      (await bed.join('one')).writer(topic, { qos }),
      (await bed.join('two')).writer(topic, { qos }),
    ] as const
    const readers: Reader<Value>[] = []
    for (const name of ['left', 'right']) readers.push((await bed.join(name)).reader(topic, { qos }))
    await bed.until('both are known', () => readers.every((reader) => reader.lag().length === 2))
    for (const reader of readers) await bed.settle(reader.synced())
    for (let n = 0; n < 100; n++) {
      const writer = writers[n % 3 === 0 ? 0 : 1]
      writer.write({ id: `k${n % 4}`, n })
      if (n % 5 === 0) writer.flush()
    }
    const isSettled = (): boolean =>
      readers.every((reader) =>
        reader.lag().every((lag) => {
          const owner = writers.find(({ guid }) => guid === lag.writer)
          return owner !== undefined && lag.appliedSeq === owner.lastSeq
        }),
      )
    await bed.until('all has arrived', isSettled)
    for (const key of ['k0', 'k1', 'k2', 'k3']) {
      const last = [...writers]
        .flatMap(({ guid, cache }) => ({ guid, change: cache.latest(key) }))
        .sort((a, b) => (b.change?.sourceTimeMs ?? 0) - (a.change?.sourceTimeMs ?? 0) || (a.guid < b.guid ? 1 : -1))[0]
      t.ok(last?.change)
      for (const reader of readers) {
        t.match(reader.get(key)?.token, { writer: last?.guid, seq: last?.change?.seq })
      }
    }
  })

  promise('a time-based filter omits values, but never the last', async (t, bed) => {
    const { writer, reader, received } = await pair(bed, { requested: { timeBasedFilterMs: 100 } })
    for (let n = 1; n <= 50; n++) {
      writer.write({ id: 'k', n })
      writer.flush()
    }
    await bed.until('the last is there', () => reader.get('k')?.value?.n === 50)
    t.ok(received.length < 50, `${received.length} of 50`)
    t.equal(received.at(-1)?.value?.n, 50)
  })

  promise('a missed deadline is reported on both sides until the instance changes again', async (t, bed) => {
    const { writer, reader } = await pair(bed, { offered: { deadlineMs: 100 }, requested: { deadlineMs: 150 } })
    const missed = { offered: 0, requested: 0 }
    writer.onEvent((event) => {
      if (event.kind === 'offered-deadline-missed' && event.key === 'k') missed.offered = event.totalCount
    })
    reader.onEvent((event) => {
      if (event.kind === 'requested-deadline-missed' && event.key === 'k') missed.requested = event.totalCount
    })
    writer.write({ id: 'k', n: 1 })
    await bed.until('both have missed it twice', () => missed.offered >= 2 && missed.requested >= 2)
    writer.dispose('k')
    await bed.until('it has ended', () => reader.get('k') === undefined)
    const ended = { ...missed }
    writer.write({ id: 'other', n: 1 })
    await bed.until('it is there', () => reader.get('other') !== undefined)
    t.same(missed, ended, 'an ended instance has no deadline')
  })

  promise('read and take hand out samples by their states', async (t, bed) => {
    const qos = { historyDepth: 3 }
    const writer = (await bed.join('writing')).writer(topic, { qos })
    const reader = (await bed.join('reading')).reader(topic, { qos })
    await bed.until('the writer is known', () => reader.lag().length === 1)
    await bed.settle(reader.synced())
    for (let n = 1; n <= 3; n++) {
      writer.write({ id: 'a', n })
      writer.write({ id: 'b', n: 10 * n })
      writer.flush()
    }
    await bed.until('all have arrived', () => reader.lag()[0]?.appliedSeq === 6)
    const numbers = (samples: readonly Sample<Value>[]): unknown[] => samples.map(({ value }) => value?.n)
    t.same(numbers(reader.read({ key: 'a', maxSamples: 2 })), [1, 2])
    t.same(numbers(reader.read({ key: 'a', sampleStates: 'not-read' })), [3])
    t.same(numbers(reader.read({ viewStates: 'new' })), [10, 20, 30])
    t.same(numbers(reader.take({ key: 'a' })), [1, 2, 3])
    t.same(numbers(reader.take({ key: 'a' })), [])
    writer.dispose('b')
    await bed.until('it has ended', () => reader.get('b') === undefined)
    const ended = reader.take({ instanceStates: 'disposed' })
    t.match(ended.at(-1), { key: 'b', validData: false, value: undefined, sampleState: 'not-read' })
    t.same(reader.read(), [])
    t.equal(reader.get('a')?.value?.n, 3, 'get still returns the taken value')
  })

  promise('matches begin and end on both sides, with their counts', async (t, bed) => {
    const writing = await bed.join('writing')
    const writer = writing.writer(topic)
    const [told, first] = [[] as string[], await bed.join('first')]
    const record = (event: WriterEvent | ReaderEvent): void => {
      if (event.kind !== 'publication-matched' && event.kind !== 'subscription-matched') return
      told.push(`${event.kind} ${event.isMatched} ${event.currentCount} of ${event.totalCount}`)
    }
    const takeTold = (): string[] => told.splice(0).sort()
    writer.onEvent(record)
    const reader = first.reader(topic)
    reader.onEvent(record)
    await bed.until('both know', () => told.length === 2)
    t.same(takeTold(), ['publication-matched true 1 of 1', 'subscription-matched true 1 of 1'])
    const second = (await bed.join('second')).reader(topic)
    await bed.until('the second is known', () => told.length === 1)
    t.same(takeTold(), ['publication-matched true 2 of 2'])
    t.same([...writer.matchedReaders()].sort(), [reader.guid, second.guid].sort())
    second.close()
    await bed.until('it has gone', () => told.length === 1)
    t.same(takeTold(), ['publication-matched false 1 of 2'])
    writer.close()
    await bed.until('the reader knows', () => told.length === 1)
    t.same(takeTold(), ['subscription-matched false 0 of 1'])
  })

  promise('best effort: lost changes are counted and reported', async (t, bed) => {
    const qos = { reliability: 'best-effort', durability: 'volatile' } as const
    const { writer, reader, received } = await pair(bed, { offered: qos, requested: qos })
    let lost = 0
    reader.onEvent((event) => {
      if (event.kind !== 'sample-lost') return
      t.match(event, { writer: writer.guid, reason: 'gap' })
      lost += event.lostCount
      t.equal(event.totalCount, lost)
    })
    await bed.until('the reader is known', () => writer.matchedReaders().length === 1)
    writer.write({ id: 'first', n: 0 })
    await bed.until('it has begun', () => received.length === 1)
    const isLossy = bed.lose(0.3)
    for (let n = 1; n <= 300; n++) {
      writer.write({ id: `k${n}`, n })
      writer.flush()
    }
    if (isLossy) bed.lose(0)
    // A gap is noticed only when a later frame arrives.
    await bed.until('every change is accounted for', () => {
      if (received.length + lost === writer.lastSeq) return true
      writer.write({ id: 'next', n: 0 })
      writer.flush()
      return false
    })
    t.equal(new Set(received.map(({ token }) => token.seq)).size, received.length, 'no duplicates')
    if (isLossy && lane === 'datagram') t.ok(lost > 0, `${lost} lost`)
  })

  promise(
    'over its limits the writer throws, and the reader reports and continues once it has room',
    async (t, bed) => {
      const { writer, reader } = await pair(bed, {
        offered: { resourceLimits: { maxInstances: 3 } },
        requested: { resourceLimits: { maxInstances: 2 }, readerDataLifecycle: { purgeDisposedMs: 0 } },
      })
      const rejected: string[] = []
      reader.onEvent((event) => {
        if (event.kind === 'sample-rejected') rejected.push(`${event.key} ${event.reason}`)
      })
      for (const id of ['a', 'b']) writer.write({ id, n: 1 })
      await bed.until('both are there', () => reader.size === 2)
      writer.write({ id: 'c', n: 1 })
      t.throws(() => writer.write({ id: 'd', n: 1 }), { code: 'NUMACAST_LIMIT' })
      await bed.until('it is refused', () => rejected.length > 0)
      t.same(new Set(rejected), new Set(['c instances-limit']))
      t.equal(reader.get('c'), undefined)
      t.match(reader.get('b'), { value: { n: 1 }, instanceState: 'alive' })
      writer.dispose('a')
      await bed.until('there is room', () => reader.get('c') !== undefined)
      t.same([...reader.entries()].map(([key]) => key).sort(), ['b', 'c'])
    },
  )

  promise('a key filter omits instances and loses nothing of the others', async (t, bed) => {
    const writer = (await bed.join('writing')).writer(topic)
    for (let n = 0; n < 6; n++) writer.write({ id: `k${n % 2}`, n })
    const reading = await bed.join('reading')
    const reader = reading.reader(topic, { keyFilter: (key) => key === 'k1' })
    const told: string[] = []
    reader.onSample(({ key, instanceState }) => told.push(`${key} ${instanceState}`))
    await bed.until('the writer is known', () => reader.lag().length === 1)
    await bed.settle(reader.synced())
    t.same(
      [...reader.entries()].map(([key, { value }]) => [key, value?.n]),
      [['k1', 5]],
    )
    writer.write({ id: 'k0', n: 6 })
    writer.dispose('k0')
    writer.write({ id: 'k1', n: 7 })
    writer.unregister('k1')
    await bed.until('it is given up', () => reader.get('k1')?.instanceState === 'no-writers')
    t.same(told, ['k1 alive', 'k1 alive', 'k1 no-writers'])
    t.equal(reader.size, 1)
    t.ok(reading.counters.get('reader.filtered-by-key') > 0)
    t.equal(reader.lag()[0]?.lagSamples, 0, 'omitted instances do not count as missing')
  })

  promise(
    'a content filter hides an instance that it refuses, and shows the instance once it passes',
    async (t, bed) => {
      const writer = (await bed.join('writing')).writer(topic)
      const reader = (await bed.join('reading')).reader(topic, { filter: ({ n }) => n >= 10 })
      await bed.until('the writer is known', () => reader.lag().length === 1)
      await bed.settle(reader.synced())
      const received: unknown[] = []
      reader.onSample(({ key, value }) => received.push([key, value?.n]))
      for (const [id, n] of [
        ['a', 1],
        ['b', 20],
        ['a', 2],
        ['a', 30],
        ['b', 3],
      ] as const) {
        writer.write({ id, n })
        writer.flush()
      }
      await bed.until('all have arrived', () => reader.lag()[0]?.appliedSeq === 5)
      t.same(received, [
        ['b', 20],
        ['a', 30],
        ['b', undefined],
      ])
      t.same(
        [...reader.entries()].map(([key, { value }]) => [key, value?.n]),
        [['a', 30]],
      )
    },
  )

  promise('manual liveliness: silence loses it and an assertion regains it, on both sides', async (t, bed) => {
    const qos = { liveliness: 'manual-by-topic', leaseMs: 500 } as const
    const { writer, reader } = await pair(bed, { offered: qos, requested: qos })
    let losses = 0
    const alive: boolean[] = []
    writer.onEvent((event) => {
      if (event.kind === 'liveliness-lost') losses = event.totalCount
    })
    reader.onEvent((event) => {
      if (event.kind === 'liveliness-changed') alive.push(event.isAlive)
    })
    writer.write({ id: 'k', n: 1 })
    await bed.until('it is silent', () => {
      return losses > 0 && alive.at(-1) === false && reader.get('k')?.instanceState === 'no-writers'
    })
    t.equal(reader.get('k')?.value?.n, 1)
    await bed.until('it is alive', () => {
      writer.assertLiveliness()
      return alive.at(-1) === true
    })
    await bed.until('its instance has a writer again', () => {
      writer.assertLiveliness()
      return reader.get('k')?.instanceState === 'alive'
    })
    t.equal(reader.get('k')?.value?.n, 1)
  })

  promise('an acknowledgment means that every reliable reader has the change', async (t, bed) => {
    const writer = (await bed.join('writing')).writer(topic)
    const readers: Reader<Value>[] = []
    for (const name of ['one', 'two']) readers.push((await bed.join(name)).reader(topic))
    await bed.until('both are known', () => writer.matchedReaders().length === 2)
    for (let n = 1; n <= 100; n++) {
      writer.write({ id: `k${n % 10}`, n })
      if (n % 9 === 0) {
        await bed.settle(writer.waitForAcknowledgments())
        for (const reader of readers) t.equal(reader.get(`k${n % 10}`)?.value?.n, n)
      }
    }
    await bed.settle(writer.waitForAcknowledgments())
  })

  promise('the built-in topics list the participants, and drop departed ones', async (t, bed) => {
    const { writing, reading, writer, reader } = await pair(bed)
    const observing = await bed.join('observing')
    const participants = observing.reader(builtinTopics.participants)
    const writers = observing.reader(builtinTopics.writers)
    const readers = observing.reader(builtinTopics.readers)
    await bed.until(
      'all are there',
      () =>
        participants.get(writing.guid)?.value?.liveliness === 'alive' &&
        [reading, observing].every(({ guid }) => participants.get(guid) !== undefined) &&
        writers.get(writer.guid) !== undefined &&
        readers.get(reader.guid) !== undefined,
    )
    t.equal(participants.size, 3)
    t.match(participants.get(writing.guid)?.value, { name: 'writing', liveliness: 'alive', writers: 1, readers: 0 })
    t.match(writers.get(writer.guid)?.value, { participant: writing.guid, topic: topic.name, lane })
    t.match(readers.get(reader.guid)?.value, { participant: reading.guid, topic: topic.name })
    await bed.settle(writing.close())
    await bed.until('it has gone', () => participants.get(writing.guid) === undefined)
    t.equal(writers.get(writer.guid), undefined)
    t.ok(participants.get(reading.guid))
  })
}

interface Pair {
  readonly writerTopic?: Topic<Value>
  readonly offered?: QosOptions
  readonly requested?: QosOptions
}
