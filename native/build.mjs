// Builds the addon with node-gyp. Where it cannot be built, numacast still installs and works: the reason is
// written to build/unavailable.txt, which src/topology reads. NUMACAST_REQUIRE_ADDON=1 makes that a failure.
// An addon that is newer than its sources stays: npx in a clone installs the clone again, also while a plane runs from it.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const reasonFile = path.join(root, 'build', 'unavailable.txt')

if (process.argv.length === 2 && isCurrent()) process.exit()

const problem = process.platform === 'linux' ? build() : `it is for Linux, and this is ${process.platform}`
mkdirSync(path.dirname(reasonFile), { recursive: true })
if (problem === null) {
  rmSync(reasonFile, { force: true })
} else {
  const reason = `the native addon could not be built (${problem}); readings come from node:os instead`
  writeFileSync(reasonFile, `${reason}\n`)
  process.stderr.write(`numacast: ${reason}\n`)
  if (process.env.NUMACAST_REQUIRE_ADDON === '1') process.exitCode = 1
}
writeFileSync(path.join(root, 'build', '.stamp'), '')

/** The addon is there and newer than whatever it is made of. Node-API keeps it good for every later Node. */
function isCurrent() {
  const stamp = path.join(root, 'build', '.stamp')
  const product = path.join(root, 'build', 'Release', 'numacast.node')
  if (!existsSync(product) || !existsSync(stamp) || existsSync(reasonFile)) return false
  const madeMs = statSync(stamp).mtimeMs
  const native = readdirSync(path.join(root, 'native'), { recursive: true }).map((name) => path.join('native', name))
  return ['binding.gyp', ...native].every((name) => statSync(path.join(root, name)).mtimeMs <= madeMs)
}

/** Null when the addon is there, else what went wrong. */
function build() {
  const gyp = nodeGyp()
  if (gyp === undefined) return 'node-gyp was not found'
  // Headers that came with this Node (Debian, nvm, tarballs) save a download, which an offline machine cannot make.
  const nodedir = path.dirname(path.dirname(process.execPath))
  const headers = existsSync(path.join(nodedir, 'include', 'node', 'node_api.h')) ? [`--nodedir=${nodedir}`] : []
  const { status, signal, error } = spawnSync(
    process.execPath,
    [gyp, 'rebuild', '--silent', ...headers, ...process.argv.slice(2)],
    { cwd: root, stdio: ['ignore', 2, 2] },
  )
  if (status === 0) return null
  return `node-gyp: ${error?.message ?? (signal === null ? `exit code ${status}` : signal)}`
}

/** Returns our own node-gyp in a clone; npm's where numacast is a dependency. */
function nodeGyp() {
  try {
    return createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js')
  } catch {
    return process.env.npm_config_node_gyp
  }
}
