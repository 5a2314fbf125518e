// Measures what importing numacast costs a process, in CPU time, against starting Node alone.
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { alternate, type BenchOptions, type BenchResult, type Contender, ratio } from './harness.js'

const root = path.resolve(import.meta.dirname, '..', '..')

/** Programs, by the name of their row. */
const programs: Readonly<Record<string, string>> = {
  node: '0',
  'import numacast': "await import('numacast')",
  'import numacast/pubsub': "await import('numacast/pubsub')",
  'a worker starts and closes':
    "const { Worker } = await import('numacast'); await (await Worker.start({ workerId: 'w', numaNode: 0 })).close()",
}

export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const contenders = Object.entries(programs).map(([name, program]): Contender => {
    return { name, unit: 'ms of CPU', run: () => cpuMs(program) }
  })
  const rows = await alternate(contenders, quick ? 1 : 15)
  return { rows, ratios: [ratio(rows, 'import numacast', 'node', 2)], skipped: [] }
}

/** CPU time of a process that runs one program, from its start to its end, over all its threads. */
function cpuMs(program: string): number {
  const report = 'const { user, system } = process.cpuUsage(); console.log((user + system) / 1000)'
  const args = ['--input-type=module', '-e', `${program}; ${report}`]
  return Number(execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' }))
}
