import { readdirSync, readFileSync } from 'node:fs'
import type { AllowedLists } from '../protocol.js'

/** The CPUs and nodes that the kernel lets a process use. */
export function allowedLists(pid: number | 'self'): AllowedLists {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return { cpus: statusField(status, 'Cpus_allowed_list'), mems: statusField(status, 'Mems_allowed_list') }
}

/** The distinct CPU lists of a process's threads. */
export function threadCpuLists(pid: number | 'self'): readonly string[] {
  const lists = readdirSync(`/proc/${pid}/task`).map((thread) =>
    statusField(readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8'), 'Cpus_allowed_list'),
  )
  return [...new Set(lists)]
}

/** CPU time of a process's main thread in nanoseconds, as the scheduler counts it. */
export function cpuTimeNs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0])
}

/** The CPU that this process's main thread ran on last: field 39 of its stat file. */
export function lastProcessor(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  // The second field is a name in parentheses, which may hold spaces; the third follows the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[39 - 3])
}

/** This process's resident bytes per node, all its mappings together. */
export function residentByNode(): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const line of readFileSync('/proc/self/numa_maps', 'utf8').split('\n')) {
    const pageBytes = 1024 * Number(/kernelpagesize_kB=(\d+)/.exec(line)?.[1] ?? 4)
    for (const [, node, pages] of line.matchAll(/ N(\d+)=(\d+)/g)) {
      if (node !== undefined) sums[node] = (sums[node] ?? 0) + Number(pages) * pageBytes
    }
  }
  return sums
}

function statusField(status: string, name: string): string {
  return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? ''
}
