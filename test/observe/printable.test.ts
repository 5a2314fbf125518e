import t from 'tap'
import { printable } from '../../src/observe/printable.js'

t.test('text of another process cannot control the terminal', async (t) => {
  t.equal(printable('\u001b[2Jw1'), '\\x1b[2Jw1')
  t.equal(printable('a\nb\r\tc\u0007'), 'a\\x0ab\\x0d\\x09c\\x07')
  t.equal(printable('\u009b31m'), '\\x9b31m', 'the one-byte CSI too')
  t.equal(printable('\u202egnp.exe'), '\\u202egnp.exe', 'nor reverse the direction of text')
  t.equal(printable('\u007f'), '\\x7f')
})

t.test('text without control characters is unchanged', async (t) => {
  for (const text of ['', 'w1', 'größer → 日本', '🐝', '~\u00a0é']) t.equal(printable(text), text)
})
