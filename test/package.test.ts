// Checks what a project that installs numacast receives.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'

const root = path.resolve(import.meta.dirname, '..', '..')
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))

t.test(
  'the package contains its exports, its command, the addon sources, and the pages linked by the README',
  async (t) => {
    const { stdout } = await promisify(execFile)('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: root,
    })
    const report = JSON.parse(stdout)
    // One package, in a list (npm ≤ 11) or keyed by its name.
    const [packed] = Object.values<{ files: { path: string }[] }>(report)
    const files = new Set(packed?.files.map((file) => file.path))
    const { types, default: entry } = manifest.exports['.']
    for (const file of [types, entry, manifest.bin.numacast, 'native/build.mjs', 'binding.gyp', 'docs/qos.md']) {
      t.ok(files.has(path.posix.normalize(file)), file)
    }
    const readme = readFileSync(path.join(root, 'README.md'), 'utf8')
    const linked = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, target = '']) => target)
    t.ok(linked.length > 10, `${linked.length} links`)
    for (const target of linked) t.ok(files.has(target), `the README links ${target}`)
    t.notOk([...files].some((file) => /^(test|dist\/test|dist\/bench|build|node_modules)\//.test(file)))
  },
)

t.test('npm compiles a git dependency, and a clone without a compiler still installs', async (t) => {
  t.equal(manifest.scripts.prepare, 'node .ci/prepare.mjs')
  const clone = t.testdir({ '.ci': { 'prepare.mjs': readFileSync(path.join(root, '.ci/prepare.mjs'), 'utf8') } })
  await t.resolves(promisify(execFile)(process.execPath, ['.ci/prepare.mjs'], { cwd: clone }))
})
