// Compiles TypeScript, so that the package has a dist/. npm runs this after an install in a clone, and before it packs a
// package from git. Does nothing without the compiler (`npm ci --omit=dev`), or when setup.mjs compiles next.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const compiler = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')

if (existsSync(compiler) && process.env.NUMACAST_SETUP !== '1') {
  const { status } = spawnSync(process.execPath, [compiler, '-p', path.join(root, 'tsconfig.json')], {
    stdio: [0, 2, 2],
  })
  process.exitCode = status ?? 1
}
