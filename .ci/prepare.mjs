// What npm runs after an install in a clone, and before it packs one that it got by git: compiles TypeScript, so that
// the package has a dist/. Not where the compiler was left out (`npm ci --omit=dev`), nor where setup.mjs compiles next.
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
