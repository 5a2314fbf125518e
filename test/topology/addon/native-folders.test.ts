import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'

const folder = path.resolve(import.meta.dirname, '..', '..', '..', '..', 'native', 'src')
/** A file of `native/src` may include files of its own folder or of a folder with a lower rank. */
const ranks: Readonly<Record<string, number>> = {
  file: 0,
  host: 1,
  process: 1,
  socket: 1,
  cgroup: 2,
  numa: 3,
  binding: 4,
}

t.test('every include of native/src points to its own folder or to a lower rank', async (t) => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(cc|h)$/.test(name))
  t.ok(files.length > 10, `${files.length} files were read`)
  const upward = files.flatMap((file) => {
    const from = file.split(path.sep)[0] ?? ''
    const text = readFileSync(path.join(folder, file), 'utf8')
    return [...text.matchAll(/#include "([^"]+)"/g)]
      .map(([, name]) => name ?? '')
      .filter((name) => {
        const to = name.split('/')[0] ?? ''
        return to !== from && !((ranks[to] ?? Number.NaN) < (ranks[from] ?? Number.NaN))
      })
      .map((name) => `${file} includes ${name}`)
  })
  t.same(upward, [])
})

t.test('only native/src/binding includes the headers of Node-API', async (t) => {
  const others = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(cc|h)$/.test(name) && !name.startsWith(`binding${path.sep}`))
    .filter((name) => /#include <(napi|node_api|uv)\.h>/.test(readFileSync(path.join(folder, name), 'utf8')))
  t.same(others, [])
})
