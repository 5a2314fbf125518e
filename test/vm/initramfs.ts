import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { type CpioEntry, writeCpio } from './cpio.js'
import { productionPackages } from './node-modules.js'
import { sharedLibraries } from './shared-libraries.js'

export interface InitramfsParts {
  /** This repository, built. Its path in the guest is `/numacast`. */
  readonly repository: string
  /** The unpacked kernel package. The guest needs its loop device module. */
  readonly kernelPackage: string
  readonly busybox: string
  readonly numactl: string
}

/** Writes the file system of the guest: Node, numacast, busybox and numactl. It is unpacked into memory at boot. */
export function writeInitramfs(file: string, parts: InitramfsParts): void {
  writeCpio(file, guestFiles(parts))
}

function* guestFiles({ repository, kernelPackage, busybox, numactl }: InitramfsParts): Generator<CpioEntry> {
  for (const directory of ['proc', 'sys', 'dev', 'tmp']) yield { kind: 'directory', path: directory }
  yield program('init', path.join(repository, 'test', 'vm', 'guest', 'init.sh'))
  yield program('bin/busybox', busybox)
  yield program('bin/node', process.execPath)
  yield program('bin/numactl', numactl)
  yield { kind: 'file', path: 'etc/hosts', content: Buffer.from('127.0.0.1 localhost\n'), executable: false }
  yield { ...program('loop.ko', findOne(kernelPackage, /\/loop\.ko$/)), executable: false }

  const libraries = new Set<string>()
  for (const file of [process.execPath, numactl])
    for (const library of sharedLibraries(file) ?? []) libraries.add(library)
  const sources = [
    { from: path.join(repository, 'dist', 'src'), skip: notRun },
    { from: path.join(repository, 'dist', 'test', 'vm', 'guest'), skip: notRun },
    { from: path.join(repository, 'build', 'Release'), skip: notTheAddon },
    ...productionPackages(repository).map((from) => ({ from, skip: notForThisPlatform })),
  ]
  yield copy(path.join(repository, 'package.json'))
  for (const { from, skip } of sources) {
    for (const source of filesBelow(from)) {
      if (skip(source)) continue
      if (source.endsWith('.node')) {
        // Packages contain binaries for other C libraries, too.
        const loaded = sharedLibraries(source)
        if (loaded === null) continue
        for (const library of loaded) libraries.add(library)
      }
      yield copy(source)
    }
  }
  for (const library of libraries) yield program(library.slice(1), library)

  function copy(source: string): CpioEntry {
    const target = path.join('numacast', path.relative(repository, source))
    return { kind: 'file', path: target, content: readFileSync(source), executable: false }
  }
}

function program(target: string, source: string): CpioEntry & { kind: 'file' } {
  return { kind: 'file', path: target, content: readFileSync(realpathSync(source)), executable: true }
}

const notRun = (file: string): boolean => !/\.(js|cjs|mjs|json|node)$/.test(file)
const notTheAddon = (file: string): boolean => path.basename(file) !== 'numacast.node'
/** Packages contain binaries for every platform, in folders named after it. */
const notForThisPlatform = (file: string): boolean =>
  notRun(file) || (file.endsWith('.node') && !new RegExp(`linux.*${process.arch}`).test(file))

function* filesBelow(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const at = path.join(directory, entry.name)
    if (entry.isDirectory() && entry.name !== 'node_modules') yield* filesBelow(at)
    else if (entry.isFile()) yield at
  }
}

function findOne(directory: string, pattern: RegExp): string {
  for (const file of filesBelow(directory)) if (pattern.test(file)) return file
  throw new Error(`${directory} holds nothing like ${pattern}`)
}
