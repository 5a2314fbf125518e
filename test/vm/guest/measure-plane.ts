import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { PlaneMeasurement } from '../protocol.js'
import { threadCpuLists } from './process-facts.js'

const program = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url))
const workers = 2
const lookEveryMs = 500
/** The plane ends itself after this time in any case. */
const giveUpAfterS = 180

/**
 * Runs a plane, one collector per node, until it reports that every node and worker has joined. Meanwhile reads its
 * processes from outside. On SIGTERM the plane prints its last state.
 */
export async function measurePlane(): Promise<PlaneMeasurement> {
  const args = ['up', '--workers', String(workers), '--duration', String(giveUpAfterS), '--json']
  const up = spawn('node', [program, ...args])
  const closed = once(up, 'close')
  let stdout = ''
  let stderr = ''
  up.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text
  })
  up.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  const expected = numaNodes() + workers
  const seen = new Map<number, PlaneMeasurement['processes'][number]>()
  let asked = false
  while (up.exitCode === null && up.signalCode === null) {
    for (const found of planeProcesses()) seen.set(found.pid, found)
    if (!asked && joined(stderr) >= expected) {
      asked = true
      up.kill('SIGTERM')
    }
    await Promise.race([closed, sleep(lookEveryMs)])
  }
  await closed
  const document = stdout.trim() === '' ? null : JSON.parse(stdout)
  return { exitCode: up.exitCode, stderr, document, workers, processes: [...seen.values()] }
}

/** Returns the nodes and workers that `numacast up` reported, each once. */
function joined(stderr: string): number {
  return new Set([...stderr.matchAll(/(node|worker) (\S+) joined: /g)].map(([, kind, name]) => `${kind} ${name}`)).size
}

function numaNodes(): number {
  return readdirSync('/sys/devices/system/node').filter((name) => /^node\d+$/.test(name)).length
}

/** The running processes of the command line `<role> … --numa-node <n>`. */
function planeProcesses(): PlaneMeasurement['processes'][number][] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return []
    const pid = Number(entry)
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      const role = words[words.indexOf(program) + 1]
      const nodeId = words[words.indexOf('--numa-node') + 1]
      if (!words.includes(program) || !words.includes('--numa-node') || role === undefined) return []
      return [{ role, nodeId: Number(nodeId), pid, threadLists: threadCpuLists(pid) }]
    } catch {
      // It ended meanwhile.
      return []
    }
  })
}
