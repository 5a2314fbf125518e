import t from 'tap'
import { byteSize } from '../../../src/cli/options/byte-size.js'

t.test('a size is a number of bytes, with a binary or decimal unit', (t) => {
  const cases: [string, number][] = [
    ['0', 0],
    ['1024', 1024],
    ['10B', 10],
    ['1.5KiB', 1536],
    ['64MiB', 67_108_864],
    ['4 GiB', 4_294_967_296],
    ['500MB', 500_000_000],
    ['2TiB', 2_199_023_255_552],
    ['0.1kB', 100],
  ]
  for (const [text, bytes] of cases) t.equal(byteSize(text), bytes, text)
  t.end()
})

t.test('anything else is refused with the forms that are read', (t) => {
  for (const text of [
    '',
    '-1',
    'MiB',
    '4 gib',
    '4mib',
    '4Gi',
    '1e3',
    '9000000TB',
    '4GiB extra',
    'toString',
    '1constructor',
  ]) {
    t.throws(
      () => byteSize(text),
      { message: /Expected a size such as 64MiB, 4GiB, 500MB; a number alone is bytes/ },
      text,
    )
  }
  t.end()
})
