export interface NumactlHardware {
  readonly nodes: readonly {
    readonly id: number
    readonly cpus: readonly number[]
    readonly sizeMiB: number
    readonly freeMiB: number
  }[]
  readonly distances: readonly (readonly number[])[]
}

/** Parses the output of `numactl -H`. */
export function parseNumactl(text: string): NumactlHardware {
  const nodes = [...text.matchAll(/^node (\d+) cpus:(.*)$/gm)].map(([, id, cpus]) => ({
    id: Number(id),
    cpus: numbers(cpus ?? ''),
    sizeMiB: Number(new RegExp(`^node ${id} size: (\\d+) MB$`, 'm').exec(text)?.[1]),
    freeMiB: Number(new RegExp(`^node ${id} free: (\\d+) MB$`, 'm').exec(text)?.[1]),
  }))
  const distances = [...text.matchAll(/^ +\d+:(.*)$/gm)].map(([, row]) => numbers(row ?? ''))
  return { nodes, distances }
}

function numbers(text: string): readonly number[] {
  return text.trim() === '' ? [] : text.trim().split(/\s+/).map(Number)
}
