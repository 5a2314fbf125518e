import t from 'tap'
import { formatAge, formatBytes, formatCores, formatIds } from '../../src/observe/units.js'

t.test('bytes are formatted with binary units', async (t) => {
  const cases: [number | null, string][] = [
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [150 * 1024, '150 KiB'],
    [24 * 1024 ** 3, '24.0 GiB'],
    [5 * 1024 ** 6, '5120 PiB'],
    [null, '?'],
    [Number.POSITIVE_INFINITY, '?'],
  ]
  for (const [bytes, text] of cases) t.equal(formatBytes(bytes), text)
})

t.test('ages are formatted with the largest unit', async (t) => {
  const cases: [number, string][] = [
    [-5, '0 ms'],
    [0, '0 ms'],
    [999.4, '999 ms'],
    [1_500, '1.5 s'],
    [61_000, '1 min'],
    [7_300_000, '2 h'],
  ]
  for (const [ageMs, text] of cases) t.equal(formatAge(ageMs), text)
})

t.test('cores are formatted with one decimal', async (t) => {
  t.equal(formatCores(3.04), '3.0')
  t.equal(formatCores(null), '?')
})

t.test('CPU ids are formatted as ranges', async (t) => {
  const cases: [number[], string][] = [
    [[], 'none'],
    [[3], '3'],
    [[0, 1, 2, 3], '0-3'],
    [[0, 1, 4, 6, 7], '0-1,4,6-7'],
  ]
  for (const [ids, text] of cases) t.equal(formatIds(ids), text)
})
