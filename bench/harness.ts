import os from 'node:os'

export interface BenchRow {
  readonly name: string
  readonly unit: string
  readonly median: number
  readonly p99?: number
  readonly runs: number
}

export interface BenchRatio {
  readonly name: string
  readonly value: number
  readonly goal: number
  readonly met: boolean
}

export interface SkippedPeer {
  readonly peer: string
  readonly reason: string
}

/** Result of a bench file. The harness adds the name and the environment. */
export interface BenchResult {
  readonly rows: readonly BenchRow[]
  readonly ratios: readonly BenchRatio[]
  readonly skipped: readonly SkippedPeer[]
}

export interface BenchReport extends BenchResult {
  readonly bench: string
  readonly environment: Readonly<Record<string, string | number>>
}

/** Summary of one run: computed by the peer itself, or of too many figures to return. */
export interface Summary {
  readonly median: number
  readonly p99: number
}

/** Result of one run: a figure, many figures, or their summary. */
export type Outcome = number | readonly number[] | Summary

/** One thing to measure. Each call is one run. */
export interface Contender {
  readonly name: string
  readonly unit: string
  run(): Promise<Outcome> | Outcome
}

export interface BenchOptions {
  /** Shorter and fewer runs: shows that the bench works, without a useful measurement. */
  readonly quick: boolean
}

/**
 * Runs the contenders in turn, several times. Anything that slows a shared machine down for a while slows all of them
 * down, so ratios hold where absolute times drift. An additional first round warms up and does not count.
 *
 * A row's median is that of the runs' medians. Its p99 is taken over all figures of all runs, or, where runs only
 * hand on summaries, is the median of the runs' own.
 */
export async function alternate(contenders: readonly Contender[], rounds: number): Promise<readonly BenchRow[]> {
  const outcomes = contenders.map((): Outcome[] => [])
  for (let round = -1; round < rounds; round++) {
    for (const [index, contender] of contenders.entries()) {
      const outcome = await contender.run()
      if (round >= 0) outcomes[index]?.push(outcome)
    }
  }
  return contenders.map(({ name, unit }, index) => {
    const runs = outcomes[index] ?? []
    const p99 = tail(runs)
    return { name, unit, median: median(runs.map(middle)), ...(p99 === undefined ? {} : { p99 }), runs: rounds }
  })
}

function middle(outcome: Outcome): number {
  if (typeof outcome === 'number') return outcome
  return isFigures(outcome) ? median(outcome) : outcome.median
}

function tail(outcomes: readonly Outcome[]): number | undefined {
  const figures: number[] = []
  const tails: number[] = []
  for (const outcome of outcomes) {
    if (typeof outcome === 'number') continue
    if (isFigures(outcome)) figures.push(...outcome)
    else tails.push(outcome.p99)
  }
  if (figures.length > 0) return percentile(figures, 0.99)
  return tails.length > 0 ? median(tails) : undefined
}

function isFigures(outcome: readonly number[] | Summary): outcome is readonly number[] {
  return Array.isArray(outcome)
}

/** Compares `rows[of]` with `rows[to]`, against its goal. `more` is better for throughput. */
export function ratio(
  rows: readonly BenchRow[],
  of: string,
  to: string,
  goal: number,
  better: 'less' | 'more' = 'less',
): BenchRatio {
  const find = (name: string): number => {
    const row = rows.find((one) => one.name === name)
    if (row === undefined) throw new Error(`nothing was measured by the name ${name}`)
    return row.median
  }
  const value = find(of) / find(to)
  return { name: `${of} / ${to}`, value, goal, met: better === 'less' ? value <= goal : value >= goal }
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5)
}

/** Nearest rank: always a measured value, never an interpolated one. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new Error('nothing was measured')
  const sorted = [...values].sort((left, right) => left - right)
  const rank = Math.max(0, Math.ceil(share * sorted.length) - 1)
  return sorted[rank] ?? Number.NaN
}

export function environment(): Readonly<Record<string, string | number>> {
  return {
    node: process.version,
    platform: `${os.type()} ${os.release()} ${os.arch()}`,
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cpus: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    load1: os.loadavg()[0] ?? 0,
  }
}
