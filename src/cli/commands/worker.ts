import { existsSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError, Option } from 'commander'
import { printable } from '../../observe/printable.js'
import type { TaintText } from '../../plane/vocabulary/taint.js'
import type { WorkerClaim } from '../../plane/worker/worker-claim.js'
import type { Worker } from '../../roles/worker/worker.js'
import { pause, runDaemon } from '../daemon/daemon.js'
import { daemonLogger } from '../daemon/daemon-logger.js'
import type { HashJob } from '../daemon/hash-jobs.js'
import { domainOption, durationHelp, durationMs, integerBetween, nameText, repeated } from '../options/options.js'
import { taintOption } from '../options/taint-option.js'

interface WorkerFlags {
  readonly domain: number
  readonly id: string
  readonly numaNode?: number
  readonly concurrency: number
  readonly path: string
  readonly rest: number
  readonly capability?: readonly string[]
  readonly tag?: readonly string[]
  readonly label?: Readonly<Record<string, string>>
  readonly taint?: readonly TaintText[]
  readonly queue?: readonly string[]
}

export function workerCommand(): Command {
  return new Command('worker')
    .summary('run the sample worker')
    .description(
      'The sample worker: joins the plane and does real work, hashing the files of one package after another for as ' +
        'long as it is admitted. It obeys intents (drain, pause), and goes on working when the plane is gone. ' +
        'On SIGTERM or SIGINT it finishes its job and stops.',
    )
    .addOption(
      new Option('--id <workerId>', 'its stable name in the plane')
        .argParser(nameText)
        .default(`${os.hostname()}-${process.pid}`, 'host name and pid'),
    )
    .addOption(new Option('--numa-node <n>', 'pin it to this node').argParser(integerBetween(0, 65_535)))
    .addOption(new Option('--concurrency <n>', 'jobs at a time').argParser(integerBetween(1, 1024)).default(1))
    .addOption(
      new Option('--path <dir>', 'the directory whose files are hashed').default(
        nearestModules(),
        'the packages beside this one',
      ),
    )
    .addOption(new Option('--rest <duration>', 'pause between two jobs').argParser(durationMs()).default(50, '50ms'))
    .addOption(
      new Option('--capability <kind@version>', 'something that it can do').argParser(
        repeated((text) => [nameText(text)]),
      ),
    )
    .addOption(new Option('--tag <tag>', 'key=value, or a bare name').argParser(repeated((text) => [nameText(text)])))
    .addOption(new Option('--label <key=value>', 'a label, for selectors').argParser(label))
    .addOption(
      new Option('--taint <taint>', 'key:effect or key=value:effect keeps jobs away that do not tolerate it').argParser(
        repeated((text) => [taintOption(text)]),
      ),
    )
    .addOption(
      new Option('--queue <name>', 'a queue that it takes from (default: any)').argParser(
        repeated((text) => [nameText(text)]),
      ),
    )
    .addOption(domainOption())
    .addHelpText('after', `\nThe options that describe it may be repeated.\n${durationHelp}`)
    .action(runWorker)
}

function label(text: string, before: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Expected key=value.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

async function runWorker(flags: WorkerFlags): Promise<void> {
  const { listHashJobs } = await import('../daemon/hash-jobs.js')
  const jobs = await listHashJobs(flags.path)
  if (flags.numaNode !== undefined) {
    const { pinProcess } = await import('../daemon/pinning.js')
    pinProcess(flags.numaNode)
  }
  const { Worker } = await import('../../roles/worker/worker.js')
  const { id: workerId, domain, concurrency, numaNode } = flags
  const { capability: capabilities = [], tag: tags = [], label: labels = {}, taint: taints = [], queue = [] } = flags
  await runDaemon({
    title: `worker ${workerId}, domain ${domain},`,
    start: () =>
      Worker.start({
        workerId,
        domain,
        concurrency,
        capabilities,
        tags,
        labels,
        taints,
        queues: queue,
        logger: daemonLogger(),
        ...(numaNode === undefined ? {} : { numaNode }),
      }),
    async serve(worker, stop) {
      printReplacement(worker, workerId)
      const source = endlessly(jobs)
      await Promise.all(Array.from({ length: concurrency }, () => work(worker, source, flags, stop)))
    },
  })
}

/** Prints that the process lost its name: it goes on as a spare, and would look hung without a message. */
function printReplacement(worker: Worker, workerId: string): void {
  const tell = (by: WorkerClaim | null): void => {
    const news =
      by === null
        ? `this process is ${workerId} again`
        : `pid ${by.pid} on ${by.host}/${by.numaNode} is ${workerId} now: this process stands by until that one is gone`
    process.stderr.write(`numacast: ${printable(news)}\n`)
  }
  worker.onReplaced(tell)
  if (worker.replacedBy !== null) tell(worker.replacedBy)
}

/** Runs job after job until told to stop. A job that fails is reported, and the next one starts. */
async function work(
  worker: Worker,
  source: Iterator<HashJob & { readonly turn: number }>,
  flags: WorkerFlags,
  stop: AbortSignal,
): Promise<void> {
  for await (const slot of worker.slots({ signal: stop })) {
    const job = source.next().value
    try {
      await slot.run(`${flags.id}:${process.pid}:${job.turn}:${job.name}`, (signal) => job.run(signal))
    } catch (error) {
      process.stderr.write(`numacast: job ${job.name} failed: ${error instanceof Error ? error.message : error}\n`)
    }
    await pause(flags.rest, stop)
  }
}

/** Each worker starts somewhere else, so that they do not read the same file at the same time. */
function* endlessly(jobs: readonly HashJob[]): Generator<HashJob & { readonly turn: number }, never> {
  const first = Math.floor(Math.random() * jobs.length)
  for (let turn = 0; ; turn++) {
    const job = jobs[(first + turn) % jobs.length]
    if (job !== undefined) yield { name: job.name, run: job.run, turn }
  }
}

/** This package's own dependencies: in a clone beside `dist`, in an installation the folder around the package. */
function nearestModules(): string {
  const packageRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..', '..', '..')
  const around = path.dirname(packageRoot)
  if (path.basename(around) === 'node_modules') return around
  const inside = path.join(packageRoot, 'node_modules')
  return existsSync(inside) ? inside : packageRoot
}
