// Measures what one hot snapshot of cgroup use and pressure costs. Compares it with the least that the kernel allows (a C
// program that only preads the same files), and with JavaScript without an addon.
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { addonStatus } from '../src/topology/addon/addon.js'
import { openHeadroomSampler } from '../src/topology/cgroup/headroom-sampler.js'
import { alternate, type BenchResult, type Contender, ratio, type SkippedPeer } from './harness.js'

const rounds = 15
/** Snapshots per run: enough for some 30 ms. */
const snapshots = 3000

export async function run(): Promise<BenchResult> {
  const status = addonStatus()
  if (!status.available) throw new Error(status.reason)
  const sampler = openHeadroomSampler()
  const files = sampler.files
  const skipped: SkippedPeer[] = []
  const contenders: Contender[] = [
    { name: 'addon', unit: 'µs/snapshot', run: () => timed(() => sampler.sample()) },
    keptDescriptors(files),
    {
      name: 'readFileSync',
      unit: 'µs/snapshot',
      run: () => timed(() => parseAll(files.map((file) => readFileSync(file, 'utf8')))),
    },
  ]
  const peer = await startPeer(files).catch((error: Error) => error)
  if (peer instanceof Error) skipped.push({ peer: 'c-pread', reason: peer.message })
  else contenders.push({ name: 'c-pread', unit: 'µs/snapshot', run: () => peer.measure() })
  try {
    const rows = await alternate(contenders, rounds)
    return {
      rows,
      ratios: [
        ...(peer instanceof Error ? [] : [ratio(rows, 'addon', 'c-pread', 1.25)]),
        ratio(rows, 'addon', 'readFileSync', 0.125),
        ratio(rows, 'addon', 'kept-readSync', 0.5),
      ],
      skipped,
    }
  } finally {
    sampler.close()
    if (!(peer instanceof Error)) await peer.close()
  }
}

/** Microseconds per call. */
function timed(snapshot: () => unknown): number {
  const start = process.hrtime.bigint()
  for (let count = 0; count < snapshots; count++) snapshot()
  return Number(process.hrtime.bigint() - start) / 1000 / snapshots
}

/** Reads as plain Node can do best: descriptors kept open, one buffer, the same numbers parsed. */
function keptDescriptors(files: readonly string[]): Contender {
  const buffer = Buffer.alloc(16384)
  return {
    name: 'kept-readSync',
    unit: 'µs/snapshot',
    run() {
      const descriptors = files.map((file) => openSync(file, 'r'))
      try {
        return timed(() =>
          parseAll(descriptors.map((fd) => buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, 0)))),
        )
      } finally {
        for (const fd of descriptors) closeSync(fd)
      }
    },
  }
}

/** Reads as a programmer would: every number by its name. */
function parseAll(texts: readonly string[]): readonly Readonly<Record<string, number>>[] {
  return texts.map((text) => {
    const numbers: Record<string, number> = {}
    for (const line of text.trim().split('\n')) {
      const [kind = '', ...words] = line.split(' ')
      if (words.length === 0) numbers.value = Number(kind)
      else if (words.length === 1) numbers[kind] = Number(words[0])
      else {
        for (const word of words) {
          const [name, value] = word.split('=')
          numbers[`${kind} ${name}`] = Number(value)
        }
      }
    }
    return numbers
  })
}

interface Peer {
  measure(): Promise<number>
  close(): Promise<void>
}

async function startPeer(files: readonly string[]): Promise<Peer> {
  const source = fileURLToPath(new URL('../../bench/kept_files_peer.c', import.meta.url))
  const folder = mkdtempSync(path.join(os.tmpdir(), 'numacast-bench-'))
  const program = path.join(folder, 'kept_files_peer')
  let child: ChildProcessWithoutNullStreams
  try {
    execFileSync(process.env.CC ?? 'cc', ['-O2', '-o', program, source], { stdio: ['ignore', 'ignore', 'pipe'] })
    child = spawn(program, files)
    await once(child, 'spawn')
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    async measure() {
      child.stdin.write(`${snapshots}\n`)
      const { value, done } = await lines.next()
      if (done === true) throw new Error('the C peer ended early')
      return Number(value) / 1000 / snapshots
    },
    async close() {
      child.stdin.end()
      if (child.exitCode === null) await once(child, 'exit')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
