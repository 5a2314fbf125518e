import { readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { errorCodes } from '../src/core/errors.js'

const page = readFileSync(path.resolve(import.meta.dirname, '..', '..', 'docs', 'diagnostics.md'), 'utf8')

t.test('docs/diagnostics.md lists every error code with its meaning, and no other', async (t) => {
  const rows = [...page.matchAll(/^\| `(NUMACAST_\w+)` +\| (.+?) +\|$/gm)]
  t.same(Object.fromEntries(rows.map(([, code, meaning]) => [code, meaning])), errorCodes)
})
