// npm run bench -- NAME [--json]: measures one question. A goal that is not met is reported; only a measurement that
// failed makes the exit code 1.
import { Command } from 'commander'
import { endChildrenWithProcess } from './children.js'
import { type BenchOptions, type BenchReport, type BenchResult, environment } from './harness.js'

/** One file per question; each exports `run`. */
const benches: Readonly<Record<string, () => Promise<{ run(options: BenchOptions): Promise<BenchResult> }>>> = {
  addon: () => import('./addon.js'),
  'crash-detect': () => import('./crash-detect.js'),
  import: () => import('./import.js'),
  latency: () => import('./latency.js'),
  'late-join': () => import('./late-join.js'),
  overload: () => import('./overload.js'),
  rank: () => import('./rank.js'),
  scale: () => import('./scale.js'),
  throughput: () => import('./throughput.js'),
}

endChildrenWithProcess()

const program = new Command('bench')
  .description('Measures what numacast must reach, each peer in turn within one run.')
  .argument('<name>', Object.keys(benches).join(', '))
  .option('--json', 'print the report as one JSON object, on the last line')
  .option('--quick', 'short runs: shows that the bench works, not what it would measure')
  .action(async (name: string, options: { json?: boolean; quick?: boolean }) => {
    const load = Object.hasOwn(benches, name) ? benches[name] : undefined
    if (load === undefined)
      throw new Error(`there is no bench "${name}"; there are: ${Object.keys(benches).join(', ')}`)
    const { run } = await load()
    const report: BenchReport = {
      bench: name,
      environment: environment(),
      ...(await run({ quick: options.quick === true })),
    }
    process.stdout.write(options.json === true ? `${JSON.stringify(report)}\n` : describe(report))
  })

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

function describe({ bench, environment, rows, ratios, skipped }: BenchReport): string {
  const number = (value: number) => value.toPrecision(4)
  return [
    `${bench} on ${environment.cpu} × ${environment.cpus}, ${environment.platform}, Node ${environment.node}`,
    ...rows.map(({ name, unit, median, p99, runs }) => {
      const tail = p99 === undefined ? '' : `, p99 ${number(p99)}`
      return `  ${name}: ${number(median)} ${unit} (median of ${runs} runs${tail})`
    }),
    ...ratios.map(
      ({ name, value, goal, met }) => `  ${name} = ${number(value)}, goal ${goal}: ${met ? 'met' : 'NOT met'}`,
    ),
    ...skipped.map(({ peer, reason }) => `  skipped ${peer}: ${reason}`),
    '',
  ].join('\n')
}
