import fc from 'fast-check'
import t from 'tap'
import { longestHoldMs } from '../../../src/cli/commands/intent.js'
import { formatDuration, longestDurationMs, parseDurationMs } from '../../../src/cli/options/duration.js'
import { maxIntentTtlMs } from '../../../src/plane/intents/intents.js'

t.test('a valid duration is parsed', async (t) => {
  const cases: [string, number][] = [
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5s', 1_500],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['0s', 0],
    ['0.0004s', 0],
    ['20', 20_000],
    ['1.5', 1_500],
    ['1m30s', 90_000],
    ['1h1m1s1ms', 3_661_001],
    ['2h500ms', 7_200_500],
  ]
  for (const [text, expectedMs] of cases) t.equal(parseDurationMs(text), expectedMs, text)
})

t.test('an invalid duration is refused with the reason', async (t) => {
  const refused = { code: 'NUMACAST_INVALID_ARGUMENT' }
  for (const text of [
    '',
    's',
    '-1s',
    '1 s',
    '1d',
    '1e3s',
    '.5s',
    '5.s',
    '0x10s',
    '１s',
    'NaNs',
    '30S',
    '30ss',
    '30s1m',
    '1m1m',
    '1m30',
    '1m 30s',
  ]) {
    t.throws(() => parseDurationMs(text), { ...refused, message: /such as 500ms, 30s/ }, JSON.stringify(text))
  }
  t.throws(() => parseDurationMs('600h'), { ...refused, message: /24 days/ })
  t.throws(() => parseDurationMs(`${'9'.repeat(400)}s`), { ...refused, message: /24 days/ })
})

t.test('a duration beyond the bounds is refused', async (t) => {
  const options = { leastMs: 1, mostMs: 60_000 }
  t.equal(parseDurationMs('1m', options), 60_000)
  for (const text of ['0s', '61s']) t.throws(() => parseDurationMs(text, options), /must be 1ms to 1m/, text)
  t.equal(longestHoldMs, maxIntentTtlMs)
})

t.test('a formatted duration parses to the same value', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: longestDurationMs }), (durationMs) => {
      return parseDurationMs(formatDuration(durationMs)) === durationMs
    }),
  )
})
