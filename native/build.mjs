// Builds the addon with node-gyp. Where it cannot be built, numacast still installs and works: the reason is
// written to build/unavailable.txt, which src/topology reads. NUMACAST_REQUIRE_ADDON=1 makes that a failure.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const require = createRequire(import.meta.url)
const reasonFile = path.join(root, 'build', 'unavailable.txt')

// Headers that came with this Node (Debian, nvm, tarballs) save a download, which an offline machine cannot make.
const nodedir = path.dirname(path.dirname(process.execPath))
const headers = existsSync(path.join(nodedir, 'include', 'node', 'node_api.h')) ? [`--nodedir=${nodedir}`] : []

const gyp = require.resolve('node-gyp/bin/node-gyp.js')
const { status, error } = spawnSync(
  process.execPath,
  [gyp, 'rebuild', '--silent', ...headers, ...process.argv.slice(2)],
  {
    cwd: root,
    stdio: ['ignore', 2, 2],
  },
)
mkdirSync(path.dirname(reasonFile), { recursive: true })
if (status === 0) {
  rmSync(reasonFile, { force: true })
} else {
  const reason = `the native addon could not be built (node-gyp: ${error?.message ?? `exit code ${status}`}); readings come from os instead`
  writeFileSync(reasonFile, `${reason}\n`)
  process.stderr.write(`numacast: ${reason}\n`)
  if (process.env.NUMACAST_REQUIRE_ADDON === '1') process.exitCode = 1
}
writeFileSync(path.join(root, 'build', '.stamp'), '')
