// Builds the addon with AddressSanitizer and UndefinedBehaviorSanitizer into build/sanitized/, file by file as needed.
// Prints the path of the addon and of the runtime that must be preloaded (LD_PRELOAD), one per line.
// Node's own headers are taken from beside this Node, so this is for machines where node-gyp needs no download.
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { flags } from './flags.mjs'
import { sources } from './sources.mjs'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const output = path.join(root, 'build', 'sanitized')
const addon = path.join(output, 'numacast.node')
const headers = path.join(path.dirname(path.dirname(process.execPath)), 'include', 'node')
const compiler = process.env.CXX ?? 'g++'
const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer']
const run = promisify(execFile)

if (!existsSync(path.join(headers, 'node_api.h'))) {
  throw new Error(`no Node headers in ${headers}: install them beside this Node (Debian: libnode-dev)`)
}
mkdirSync(output, { recursive: true })
const folder = path.join(root, 'native', 'src')
const newestHeader = Math.max(
  ...readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.h'))
    .map((name) => statSync(path.join(folder, name)).mtimeMs),
)

const waiting = [...sources]
const objects = sources.map(objectOf)
let compiled = 0
await Promise.all(Array.from({ length: Math.min(4, os.availableParallelism()) }, compileWaiting))
if (compiled > 0 || !existsSync(addon)) await run(compiler, ['-shared', ...sanitizers, '-o', addon, ...objects])
const { stdout } = await run(compiler, ['-print-file-name=libasan.so'])
process.stdout.write(`${addon}\n${stdout.trim()}\n`)

async function compileWaiting() {
  for (let source = waiting.pop(); source !== undefined; source = waiting.pop()) {
    const object = objectOf(source)
    const file = path.join(root, source)
    if (existsSync(object) && statSync(object).mtimeMs > Math.max(newestHeader, statSync(file).mtimeMs)) continue
    const common = [
      '-std=c++20',
      '-fno-exceptions',
      '-fPIC',
      '-O1',
      '-g1',
      '-D_GLIBCXX_ASSERTIONS',
      `-I${headers}`,
      '-DNODE_GYP_MODULE_NAME=numacast',
    ]
    await run(compiler, [...common, ...flags, ...sanitizers, '-c', file, '-o', object], { cwd: root })
    compiled++
  }
}

function objectOf(source) {
  return path.join(output, `${path.relative('native/src', source).replaceAll(path.sep, '-').replace(/\.cc$/, '')}.o`)
}
