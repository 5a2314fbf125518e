import t from 'tap'
import { seededRandom } from '../../src/core/random.js'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import type { Participant } from '../../src/pubsub/participant.js'
import type { Reader } from '../../src/pubsub/reader/reader.js'
import type { Writer } from '../../src/pubsub/writer/writer.js'
import { openPlane } from '../support/open-plane.js'

interface Value {
  readonly id: string
  readonly n: number
}
const topic = defineTopic<Value>({ name: 'state', key: 'id', fields: ['id', 'n'] })

t.setTimeout(600_000)

const rounds = 250
const participantsPerRound = 8
const readersPerParticipant = 5
const steady = 300

/** A writer that never pauses: some instances always live, others come and go. */
class RestlessWriter {
  readonly writer: Writer<Value>
  readonly #random = seededRandom(7)
  #n = 0

  constructor(participant: Participant) {
    this.writer = participant.writer(topic)
    for (let key = 0; key < steady; key++) this.writer.write({ id: `steady${key}`, n: this.#n })
  }

  change(): void {
    for (let count = 0; count < 5; count++) {
      const key = Math.floor(this.#random() * steady)
      this.writer.write({ id: `steady${key}`, n: ++this.#n })
      if (this.#random() < 0.5) this.writer.write({ id: `fleeting${key}`, n: ++this.#n })
      else this.writer.dispose(`fleeting${key}`)
    }
    if (this.#random() < 0.02) this.writer.cache.forgetTombstones(Infinity)
  }

  held(): Map<string, number> {
    return new Map([...this.writer.keys()].map((key) => [key, this.writer.get(key)?.n ?? -1]))
  }
}

/** Returns what the reader lacks of the instances that its writer held when `synced` was called and still holds. */
function missing(reader: Reader<Value>, before: ReadonlyMap<string, number>, writer: Writer<Value>): string[] {
  const found: string[] = []
  for (const [key, n] of before) {
    const now = writer.get(key)
    // The instance has ended, or started again, since then: the reader may hold either state.
    if (key.startsWith('fleeting') && now?.n !== n) continue
    const held = reader.get(key)?.value?.n
    if (held === undefined || held < n) found.push(`${key}: ${held} where ${n} was written`)
  }
  return found
}

t.test('ten thousand late joins against a writer that never pauses: no instance is ever missing', async (t) => {
  const plane = openPlane(t, 3)
  const random = seededRandom(11)
  const source = new RestlessWriter(await plane.join('source'))
  plane.network.setFaults({ lossRatio: 0.1, duplicateRatio: 0.1, maxDelayMs: 15 })
  const faults: string[] = []
  let joins = 0
  const joinLate = async (participant: Participant, afterMs: number): Promise<void> => {
    await new Promise<void>((resolve) => plane.clock.after(afterMs, resolve))
    const reader = participant.reader(topic)
    await new Promise<void>((resolve) => plane.clock.after(random() * 30, resolve))
    // Before the reader knows the writer, `synced` can guarantee nothing.
    while (reader.lag().length === 0) await new Promise<void>((resolve) => plane.clock.after(5, resolve))
    const before = source.held()
    await reader.synced()
    faults.push(...missing(reader, before, source.writer))
    joins++
  }
  for (let round = 0; round < rounds; round++) {
    const participants = await Promise.all(
      Array.from({ length: participantsPerRound }, (_, index) => plane.join(`joiner${index}`)),
    )
    let done = false
    const all = Promise.all(
      participants.flatMap((participant) =>
        Array.from({ length: readersPerParticipant }, () => joinLate(participant, random() * 40)),
      ),
    ).then(() => {
      done = true
    })
    while (!done) {
      source.change()
      await plane.clock.advance(4)
    }
    await all
    await plane.settle(Promise.all(participants.map((participant) => participant.close())))
  }
  t.equal(joins, 10_000)
  t.same(faults.slice(0, 10), [])
})
