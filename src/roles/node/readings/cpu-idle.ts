/** CPU time since boot of one CPU, in clock ticks. */
export interface CpuTicks {
  readonly idle: number
  readonly total: number
}

/**
 * The `cpuN` lines of `/proc/stat` (proc_stat(5)): user nice system idle iowait irq softirq steal guest guest_nice.
 * Time waiting for I/O counts as idle; guest time is part of user already. Lines that are not understood are left out.
 */
export function parseCpuTicks(text: string): Map<number, CpuTicks> {
  const ticks = new Map<number, CpuTicks>()
  for (const line of text.split('\n')) {
    const match = /^cpu(\d+)\s+(.*)$/.exec(line)
    if (match === null) continue
    const fields = (match[2] ?? '').trim().split(/\s+/).slice(0, 8).map(Number)
    if (fields.length < 4 || fields.some((field) => !Number.isFinite(field))) continue
    const idle = (fields[3] ?? 0) + (fields[4] ?? 0)
    ticks.set(Number(match[1]), { idle, total: fields.reduce((sum, field) => sum + field, 0) })
  }
  return ticks
}

/**
 * Cores that stood idle between two readings, over `cpus`. Null when no CPU has moved, as over no time at all.
 * iowait may run backwards (proc_stat(5)); a share is kept within 0 … 1.
 */
export function idleCores(
  before: ReadonlyMap<number, CpuTicks>,
  after: ReadonlyMap<number, CpuTicks>,
  cpus: readonly number[],
): number | null {
  let cores = 0
  let moved = false
  for (const cpu of cpus) {
    const from = before.get(cpu)
    const to = after.get(cpu)
    if (from === undefined || to === undefined || to.total <= from.total) continue
    moved = true
    cores += Math.min(1, Math.max(0, (to.idle - from.idle) / (to.total - from.total)))
  }
  return moved ? cores : null
}
