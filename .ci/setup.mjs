// Brings a fresh clone to the point where `dist/` runs: dependencies, the native addon, TypeScript.
// Uses only Node's own modules. Its output goes to stderr, so that a command's stdout stays its own.
// Repeats nothing that is done already: a second call costs about a second. `--tests` prepares the test runner, too.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const at = (...parts) => path.join(root, ...parts)

if (olderThan(at('node_modules', '.package-lock.json'), [at('package-lock.json')])) {
  run('npm', ['ci', '--no-audit', '--no-fund'])
} else if (olderThan(at('build', '.stamp'), [at('binding.gyp'), at('native')]) || addonIsMissing()) {
  run(process.execPath, [at('native', 'build.mjs')])
}
if (removedSources()) rmSync(at('dist'), { recursive: true, force: true })
run(process.execPath, [at('node_modules', 'typescript', 'bin', 'tsc'), '-p', at('tsconfig.json')])
linkCommand()
if (process.argv.includes('--tests')) buildTestRunner()

function run(command, args) {
  const { status, error, signal } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, NUMACAST_SETUP: '1' },
  })
  if (status === 0) return
  const why = error?.message ?? (signal === null ? `exit code ${status}` : signal)
  process.stderr.write(`numacast setup: ${command} ${args.join(' ')} failed (${why})\n`)
  process.exit(1)
}

/**
 * tap builds its test class when its plugins have changed. Left to itself it does so at its first run, which then still
 * loads the plugins that are left out: every test file starts three times as slowly.
 */
function buildTestRunner() {
  const { plugin } = JSON.parse(readFileSync(at('package.json'), 'utf8')).tap
  const built = readFileSync(at('node_modules', '@tapjs', 'test', 'test-built', 'dist', 'esm', 'index.js'), 'utf8')
  const isLeftOut = (name) => !built.includes(`"${name.slice(1)}"`)
  if (!plugin.filter((name) => name.startsWith('!')).every(isLeftOut)) run(at('node_modules', '.bin', 'tap'), ['build'])
}

/** `npx numacast` in this clone runs what was just built. (Where npx installs the clone first, that links here too.) */
function linkCommand() {
  const program = at('dist', 'src', 'cli', 'main.js')
  const link = at('node_modules', '.bin', 'numacast')
  if (process.platform === 'win32') return
  chmodSync(program, 0o755)
  if (!lstatSync(link, { throwIfNoEntry: false })) symlinkSync(path.relative(path.dirname(link), program), link)
}

/** A build that failed is tried again only where going without is not allowed. */
function addonIsMissing() {
  return process.env.NUMACAST_REQUIRE_ADDON === '1' && existsSync(at('build', 'unavailable.txt'))
}

/** Whether `product` is missing or older than any of `sources` (folders count by their newest file). */
function olderThan(product, sources) {
  if (!existsSync(product)) return true
  const made = statSync(product).mtimeMs
  return sources.some((source) => existsSync(source) && newest(source) > made)
}

function newest(file) {
  const status = statSync(file)
  if (!status.isDirectory()) return status.mtimeMs
  return Math.max(0, ...readdirSync(file).map((name) => newest(path.join(file, name))))
}

/** A compiled file whose source is gone would still run as a test. */
function removedSources() {
  if (!existsSync(at('dist'))) return false
  return readdirSync(at('dist'), { recursive: true })
    .filter((name) => name.endsWith('.js'))
    .some((name) => !existsSync(at(name.replace(/\.js$/, '.ts'))))
}
