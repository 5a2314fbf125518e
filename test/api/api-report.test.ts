import { readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { apiReports, entryPoints } from './api-report.js'

const root = path.resolve(import.meta.dirname, '..', '..', '..')
const { errors, reports, unreachable } = apiReports(path.join(root, 'dist'))

t.test(
  'the public declarations equal docs/api; a change runs `npm run api` and is announced in CHANGELOG.md',
  async (t) => {
    for (const [entry, text] of reports) {
      t.equal(text, readFileSync(path.join(root, 'docs', 'api', `${entryPoints[entry]}.api.md`), 'utf8'), entry)
    }
  },
)

t.test('each type that an exported declaration names can be imported from an entry point', async (t) => {
  t.same(unreachable, [])
})

t.test('the shipped declarations compile without `skipLibCheck`', async (t) => {
  t.same(errors, [])
})
