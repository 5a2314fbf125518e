import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { PlaneMeasurement } from '../protocol.js'
import { threadCpuLists } from './process-facts.js'

const program = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url))
/** From when every process is ready: long enough to be seen several times. */
const durationS = 4
const lookEveryMs = 500

/** Runs a whole plane, one collector per node, and looks at its processes from outside meanwhile. */
export async function measurePlane(): Promise<PlaneMeasurement> {
  const up = spawn('node', [program, 'up', '--workers', '3', '--duration', String(durationS), '--json'])
  const closed = once(up, 'close')
  let stdout = ''
  let stderr = ''
  up.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text
  })
  up.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  const seen = new Map<number, PlaneMeasurement['processes'][number]>()
  while (up.exitCode === null && up.signalCode === null) {
    for (const found of planeProcesses()) seen.set(found.pid, found)
    await Promise.race([closed, sleep(lookEveryMs)])
  }
  await closed
  const document = stdout.trim() === '' ? null : JSON.parse(stdout)
  return { exitCode: up.exitCode, stderr, document, processes: [...seen.values()] }
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
      // It ended while it was looked at.
      return []
    }
  })
}
