const kibi = 1024
const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** `23.5 GiB`; three digits are enough to compare by eye. A size that is not known is `?`. */
export function formatBytes(bytes: number | null): string {
  if (bytes === null || !Number.isFinite(bytes)) return '?'
  let value = bytes
  let unit = 0
  while (value >= kibi && unit < byteUnits.length - 1) {
    value /= kibi
    unit++
  }
  return `${value < 100 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${byteUnits[unit]}`
}

/** An age that a person compares at a glance: `120 ms`, `4.2 s`, `3 min`, `2 h`. */
export function formatAge(ageMs: number): string {
  if (ageMs < 1_000) return `${Math.max(0, Math.round(ageMs))} ms`
  if (ageMs < 60_000) return `${(ageMs / 1_000).toFixed(1)} s`
  if (ageMs < 3_600_000) return `${Math.floor(ageMs / 60_000)} min`
  return `${Math.floor(ageMs / 3_600_000)} h`
}

export function formatCores(cores: number | null): string {
  return cores === null ? '?' : cores.toFixed(1)
}

/** CPU ids as the kernel writes them: `0-3,8`. */
export function formatIds(ids: readonly number[]): string {
  const ranges: string[] = []
  for (let start = 0; start < ids.length; ) {
    let end = start
    while (ids[end + 1] === (ids[end] ?? 0) + 1) end++
    ranges.push(start === end ? `${ids[start]}` : `${ids[start]}-${ids[end]}`)
    start = end + 1
  }
  return ranges.length === 0 ? 'none' : ranges.join(',')
}
