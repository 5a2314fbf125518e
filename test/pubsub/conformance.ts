import type { Test } from 'tap'
import type { MismatchEvent } from '../../src/pubsub/events.js'
import type { Participant } from '../../src/pubsub/participant.js'
import type { Sample } from '../../src/pubsub/sample.js'
import { defineTopic, type Lane, type Topic } from '../../src/pubsub/topic.js'
import type { QosOptions } from '../../src/qos/qos.js'

/** What a lane's test file must provide so that the common cases can run on it. */
export interface Bed {
  /** A new member of the bed's domain. */
  join(name: string): Promise<Participant>
  /** Lets time pass until the condition holds; rejects after a generous while. */
  until(what: string, condition: () => boolean): Promise<void>
  /** Lets time pass while `work` is under way, and gives its outcome. */
  settle<T>(work: Promise<T>): Promise<T>
  /** Closes all members and checks that nothing is left behind. */
  close(): Promise<void>
}

interface Value {
  readonly id: string
  readonly n: number
  readonly ballast?: string
}

/** The promises of publish and subscribe: the same cases for every lane and every network. */
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
  /** A writer and a synced reader in different participants, and everything that the reader's listener hears. */
  const pair = async (bed: Bed, options: Pair = {}) => {
    const writing = await bed.join('writing')
    const reading = await bed.join('reading')
    const writer = writing.writer(options.writerTopic ?? topic, { qos: options.offered ?? {} })
    const reader = reading.reader(topic, { qos: options.requested ?? {} })
    const heard: Sample<Value>[] = []
    reader.onSample((sample) => heard.push(sample))
    await bed.until('the writer is known', () => reader.lag().length === 1)
    await bed.settle(reader.synced())
    return { writing, reading, writer, reader, heard }
  }

  promise('a late joiner gets the last value of every instance that is alive, and nothing else', async (t, bed) => {
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

  promise('every change that leaves is heard once, in the order of its number', async (t, bed) => {
    const { writer, reader, heard } = await pair(bed)
    for (let n = 1; n <= 300; n++) {
      writer.write({ id: `k${n % 7}`, n })
      writer.flush()
      if (n % 50 === 0) await bed.until('it has arrived', () => reader.lag()[0]?.appliedSeq === n)
    }
    for (let key = 0; key < 7; key++) {
      const seqs = heard.filter((sample) => sample.key === `k${key}`).map(({ token }) => token.seq)
      t.same(
        seqs,
        [...new Set(seqs)].sort((a, b) => a - b),
        'each once, rising',
      )
      t.equal(seqs.at(-1), reader.get(`k${key}`)?.value?.n)
    }
    t.same(
      heard.map(({ value }) => value?.n),
      heard.map(({ token }) => token.seq),
    )
    t.same([...reader.entries()].map(([, { value }]) => value?.n).sort(), [294, 295, 296, 297, 298, 299, 300])
  })

  promise('what is overwritten in one tick leaves once, with its last value', async (t, bed) => {
    const { writer, reader, heard } = await pair(bed)
    for (let n = 1; n <= 500; n++) writer.write({ id: 'k', n })
    await bed.until('the last has arrived', () => reader.get('k')?.value?.n === 500)
    t.same(
      heard.map(({ value }) => value?.n),
      [500],
    )
  })

  promise('an instance ends when it is disposed, and begins anew when it is written again', async (t, bed) => {
    const { writer, reader, heard } = await pair(bed)
    writer.write({ id: 'k', n: 1 })
    await bed.until('it is there', () => reader.get('k') !== undefined)
    writer.dispose('k')
    await bed.until('it has gone', () => reader.get('k') === undefined)
    writer.write({ id: 'k', n: 2 })
    await bed.until('it is back', () => reader.get('k')?.value?.n === 2)
    t.same(
      heard.map(({ instanceState, viewState }) => `${instanceState} ${viewState}`),
      ['alive new', 'disposed not-new', 'alive new'],
    )
  })

  promise('a participant that leaves leaves its values, without a writer', async (t, bed) => {
    const { writing, writer, reader } = await pair(bed)
    writer.write({ id: 'k', n: 7 })
    await bed.until('it is there', () => reader.get('k') !== undefined)
    await bed.settle(writing.close())
    await bed.until('nobody owns it', () => reader.get('k')?.instanceState === 'no-writers')
    t.equal(reader.get('k')?.value?.n, 7)
    t.equal(reader.lag().length, 0)
  })

  promise('an instance that is unregistered keeps its last value, without a writer', async (t, bed) => {
    const { writer, reader } = await pair(bed)
    writer.write({ id: 'a', n: 1 })
    writer.write({ id: 'b', n: 2 })
    writer.unregister('a')
    await bed.until('it has no writer', () => reader.get('a')?.instanceState === 'no-writers')
    t.match(reader.get('a'), { value: { n: 1 } })
    t.match(reader.get('b'), { value: { n: 2 }, instanceState: 'alive' })
    t.same([...writer.keys()], ['b'])
  })

  promise('keep-all: every value arrives, in its order, however many wait for room', async (t, bed) => {
    const all = { history: 'keep-all', durability: 'volatile' } as const
    const { writer, reader, heard } = await pair(bed, {
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
      heard.map(({ value }) => value?.n),
      Array.from({ length: 200 }, (_, n) => n),
    )
    t.match(reader.lag(), [{ appliedSeq: 200, lagSamples: 0 }])
    t.equal(writer.cache.samples, 0)
  })

  promise('volatile: nothing of the past, everything from then on', async (t, bed) => {
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

  promise('a value far larger than any datagram arrives, once', async (t, bed) => {
    const { writer, reader, heard } = await pair(bed)
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
      heard.map(({ token }) => token.seq).sort((a, b) => a - b),
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    )
  })

  promise('fields may be added and removed: a reader decodes by what the writer has', async (t, bed) => {
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

  promise('partitions that intersect meet; others do not', async (t, bed) => {
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

  promise('several readers, also of the writing participant itself, hold the same', async (t, bed) => {
    const writing = await bed.join('writing')
    const readers = [writing.reader(topic), writing.reader(topic)]
    for (const name of ['one', 'two']) {
      const reading = await bed.join(name)
      readers.push(reading.reader(topic), reading.reader(topic))
    }
    const writer = writing.writer(topic)
    for (let n = 0; n < 50; n++) writer.write({ id: `k${n}`, n })
    await bed.until('all have all', () => readers.every(({ size }) => size === 50))
    const written = Array.from({ length: 50 }, (_, n) => n)
    for (const reader of readers) {
      t.same(
        written.map((n) => reader.get(`k${n}`)?.value?.n),
        written,
      )
    }
  })

  promise('what cannot be matched is told on both sides', async (t, bed) => {
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
}

interface Pair {
  readonly writerTopic?: Topic<Value>
  readonly offered?: QosOptions
  readonly requested?: QosOptions
}
