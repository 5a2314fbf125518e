import { createHash } from 'node:crypto'
import type { Dirent } from 'node:fs'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { NumacastError } from '../../core/errors.js'

/** One unit of the sample worker's work: a directory whose files are read and hashed. */
export interface HashJob {
  /** Relative to the directory that was asked for. */
  readonly name: string
  run(signal: AbortSignal): Promise<HashResult>
}

export interface HashResult {
  readonly files: number
  readonly bytes: number
  /** SHA-256 over every file's bytes, files in order of their path. */
  readonly sha256: string
}

/**
 * One job per directory directly under `root`, and one for the files of `root` itself. For `node_modules` that is one
 * per package: a directory whose name begins with `@` is a scope, and its directories are the packages.
 * @throws NumacastError NUMACAST_NOT_FOUND when there is no such directory, or nothing in it
 */
export async function listHashJobs(root: string): Promise<readonly HashJob[]> {
  const entries = await readEntries(root)
  const jobs: HashJob[] = []
  for (const name of foldersOf(entries)) {
    const inner = name.startsWith('@') ? foldersOf(await readEntries(path.join(root, name))) : []
    const names = inner.length === 0 ? [name] : inner.map((each) => `${name}/${each}`)
    for (const each of names) jobs.push({ name: each, run: (signal) => hashFiles(path.join(root, each), signal) })
  }
  if (entries.some((entry) => entry.isFile())) {
    jobs.push({ name: '.', run: (signal) => hashFiles(root, signal, { recursive: false }) })
  }
  if (jobs.length === 0) throw new NumacastError('NUMACAST_NOT_FOUND', `there is no file to hash under ${root}`)
  return jobs
}

function foldersOf(entries: readonly Dirent[]): string[] {
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
}

async function readEntries(root: string): Promise<Dirent[]> {
  try {
    return await readdir(root, { withFileTypes: true })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new NumacastError('NUMACAST_NOT_FOUND', `cannot list the files to hash: ${why}`, { cause })
  }
}

/** Streams each file through one hash, 64 KiB at a time, so that the event loop is never held for long. */
async function hashFiles(root: string, signal: AbortSignal, { recursive = true } = {}): Promise<HashResult> {
  const hash = createHash('sha256')
  let files = 0
  let bytes = 0
  for await (const file of walk(root, recursive)) {
    signal.throwIfAborted()
    for await (const chunk of createReadStream(file, { signal })) {
      hash.update(chunk)
      bytes += chunk.length
    }
    files++
  }
  return { files, bytes, sha256: hash.digest('hex') }
}

/** Regular files only: a link could lead anywhere, and a pipe would never end. */
async function* walk(folder: string, recursive: boolean): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true })
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const entry of entries) {
    const found = path.join(folder, entry.name)
    if (entry.isFile()) yield found
    else if (recursive && entry.isDirectory()) yield* walk(found, recursive)
  }
}
