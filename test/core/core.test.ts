import t from 'tap'
import { raceSignal } from '../../src/core/abort.js'
import { errorCodes, invalidArgument, NumacastError } from '../../src/core/errors.js'
import { fnv1a64 } from '../../src/core/fnv.js'
import { type EntityId, entityGuid, isGuid, newGuid, participantOf } from '../../src/core/ids.js'
import { seededRandom } from '../../src/core/random.js'
import { Counters } from '../../src/core/reporting/counters.js'
import { systemClock } from '../../src/core/time/clock.js'
import { FakeClock } from '../../src/testing/fake-clock.js'

t.test('fnv1a64 matches the vectors of its authors', (t) => {
  // http://www.isthe.com/chongo/src/fnv/test_fnv.c, 64 bit FNV-1a
  const vectors = {
    '': 0xcbf29ce484222325n,
    a: 0xaf63dc4c8601ec8cn,
    b: 0xaf63df4c8601f1a5n,
    foobar: 0x85944171f73967e8n,
  }
  for (const [text, hash] of Object.entries(vectors)) t.equal(fnv1a64(text), hash, text)
  t.end()
})

t.test('a GUID is unique and recognized by its format', (t) => {
  const guid = newGuid()
  t.ok(isGuid(guid))
  t.not(newGuid(), guid)
  const writer = entityGuid(guid, 255 as EntityId)
  t.equal(writer, `${guid}.ff`)
  t.equal(participantOf(writer), guid)
  for (const other of ['', guid.toUpperCase().replace(/^./, 'F'), `${guid}0`, 5, null]) t.notOk(isGuid(other))
  t.end()
})

t.test('counters add up and are listed by name', (t) => {
  const counters = new Counters()
  counters.add('b')
  counters.add('a', 3)
  counters.add('b')
  t.same(counters.snapshot(), { a: 3, b: 2 })
  t.same(Object.keys(counters.snapshot()), ['a', 'b'])
  t.equal(counters.get('c'), 0)
  t.end()
})

t.test('errors carry code, cause and message', (t) => {
  const cause = new Error('x')
  const error = new NumacastError('NUMACAST_LIMIT', 'too much', { cause, details: { limit: 3 } })
  t.match(error, { name: 'NumacastError', code: 'NUMACAST_LIMIT', message: 'too much', cause, details: { limit: 3 } })
  t.same(invalidArgument('x').details, {})
  for (const code of Object.keys(errorCodes)) t.match(code, /^NUMACAST_[A-Z_]+$/)
  t.end()
})

t.test('seededRandom: the same seed gives the same numbers, spread over the interval', (t) => {
  const [one, same, other] = [seededRandom(5), seededRandom(5), seededRandom(6)]
  const numbers = Array.from({ length: 10_000 }, () => one())
  t.same(
    numbers,
    Array.from({ length: 10_000 }, () => same()),
  )
  t.not(numbers[0], other())
  t.ok(numbers.every((number) => number >= 0 && number < 1))
  const counts = Array.from(
    { length: 10 },
    (_, tenth) => numbers.filter((number) => Math.floor(number * 10) === tenth).length,
  )
  t.ok(
    counts.every((count) => count > 800 && count < 1200),
    `${counts}`,
  )
  t.end()
})

t.test('the system clock measures time and cancels timers', async (t) => {
  const before = systemClock.nowMs()
  t.ok(Math.abs(systemClock.wallMs() - Date.now()) < 60_000)
  await new Promise<void>((resolve) => {
    // A timer does not keep the process alive by itself, so something else must.
    const keep = setInterval(() => undefined, 1000)
    systemClock.after(5, () => {
      clearInterval(keep)
      resolve()
    })
  })
  t.ok(systemClock.nowMs() - before >= 4)
  const cancelled = systemClock.after(0, () => t.fail('cancelled'))
  cancelled.cancel()
  cancelled.cancel()
  await new Promise((resolve) => setTimeout(resolve, 5))
})

t.test('the fake clock fires timers in order as time advances', async (t) => {
  const clock = new FakeClock()
  const fired: string[] = []
  const startMs = clock.nowMs()
  clock.after(10, () => fired.push('late'))
  clock.after(5, () => {
    fired.push(`early at ${clock.nowMs() - startMs}`)
    clock.after(1, () => fired.push('nested'))
  })
  clock.after(5, () => fired.push('early too')).cancel()
  await clock.advance(9)
  t.same(fired, ['early at 5', 'nested'])
  t.equal(clock.pendingTimers, 1)
  clock.jump(100)
  t.equal(fired.length, 2)
  await clock.advance(0)
  t.same(fired.slice(2), ['late'])
  const wallMs = clock.wallMs()
  clock.stepWall(-5)
  t.equal(clock.wallMs(), wallMs - 5)
})

t.test('raceSignal settles with the work or rejects when the signal aborts', async (t) => {
  t.equal(await raceSignal(Promise.resolve(1), undefined), 1)
  const controller = new AbortController()
  t.equal(await raceSignal(Promise.resolve(2), controller.signal), 2)
  await t.rejects(raceSignal(Promise.reject(new Error('own')), controller.signal), { message: 'own' })
  const waiting = raceSignal(new Promise(() => undefined), controller.signal)
  controller.abort(new Error('enough'))
  await t.rejects(waiting, { message: 'enough' })
  await t.rejects(raceSignal(Promise.resolve(3), controller.signal), { message: 'enough' })
  // A later rejection of the work must not become an unhandled rejection.
  await t.rejects(raceSignal(Promise.reject(new Error('late')), controller.signal), { message: 'enough' })
})
