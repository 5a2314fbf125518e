import { Command, InvalidArgumentError, Option } from 'commander'
import type { LabelRequirement } from '../../placement/request/label-requirement.js'
import type { NumaPreference, PlacementRequest, PlacementStrategy } from '../../placement/request/placement-request.js'
import type { Toleration } from '../../placement/request/tolerations.js'
import { byteSize, byteSizeForms } from '../options/byte-size.js'
import { printDocument } from '../options/document.js'
import { ExitCode } from '../options/exit-code.js'
import { labelExpression, labelExpressionForms } from '../options/label-expression.js'
import {
  domainOption,
  durationHelp,
  integerBetween,
  jsonOption,
  nameText,
  repeated,
  waitOption,
} from '../options/options.js'
import { tolerationOption } from '../options/taint-option.js'

interface RankFlags {
  readonly domain: number
  readonly capability?: string
  readonly tag?: readonly string[]
  readonly selector?: readonly LabelRequirement[]
  readonly avoid?: readonly LabelRequirement[]
  readonly prefer?: readonly LabelRequirement[]
  readonly tolerate?: readonly Toleration[]
  readonly cpus?: number
  readonly memory?: number
  readonly vram?: number
  readonly numa: NumaPreference
  readonly queue?: string
  readonly shard?: string
  readonly resident?: readonly string[]
  readonly strategy: PlacementStrategy
  readonly limit: number
  readonly explain?: string
  readonly wait: number
  readonly json?: boolean
}

export function rankCommand(): Command {
  return new Command('rank')
    .summary('print which workers fit a job, and why the others do not')
    .description(
      'Joins the plane as a late joiner, ranks its workers for a job, prints the ranking, and leaves. It places nothing. ' +
        'docs/placement.md describes the filters and the scores.',
    )
    .addOption(new Option('--capability <kind@version>', 'what the worker must be able to do').argParser(nameText))
    .addOption(new Option('--tag <tag>', 'key=value, key=* or a bare name').argParser(repeated((text) => [text])))
    .addOption(new Option('--selector <expression>', 'labels that it must have').argParser(repeated(labelExpression)))
    .addOption(new Option('--avoid <expression>', 'labels that it must not have').argParser(repeated(labelExpression)))
    .addOption(new Option('--prefer <expression>', 'labels that add to its score').argParser(repeated(labelExpression)))
    .addOption(
      new Option('--tolerate <taint>', 'key, key=value or *, each with or without :effect').argParser(
        repeated((text) => [tolerationOption(text)]),
      ),
    )
    .addOption(new Option('--cpus <n>', 'cores that must be idle; fractions count').argParser(cores))
    .addOption(new Option('--memory <size>', `memory that must be free: ${byteSizeForms}`).argParser(byteSize))
    .addOption(new Option('--vram <size>', 'device memory, for workers that admit by it').argParser(byteSize))
    .addOption(
      new Option('--numa <preference>', 'whether CPUs and memory must come from one NUMA node')
        .choices(['single', 'prefer-single', 'any'])
        .default('prefer-single'),
    )
    .addOption(new Option('--queue <name>', 'the queue of the job').argParser(nameText))
    .addOption(new Option('--shard <name>', 'the shard that it works on').argParser(nameText))
    .addOption(new Option('--resident <name>', 'a model or cache that it uses').argParser(repeated((text) => [text])))
    .addOption(
      new Option('--strategy <name>', 'which of the zones that fit is better')
        .choices(['spread', 'pack', 'random'])
        .default('spread'),
    )
    .addOption(new Option('--limit <n>', 'candidates to print').argParser(integerBetween(1, 100_000)).default(10))
    .addOption(new Option('--explain <workerId>', 'print what is decided about one worker').argParser(nameText))
    .addOption(waitOption('how long to look for a plane and wait for its state', 1_500))
    .addOption(jsonOption('print the ranking as JSON'))
    .addOption(domainOption())
    .addHelpText(
      'after',
      `
Expressions: ${labelExpressionForms}.
They are joined by commas, or the option is repeated.
${durationHelp}

Exit code 3 if no worker fits, or no plane answers; the reasons are counted.`,
    )
    .action(printRanking)
}

async function printRanking(flags: RankFlags): Promise<void> {
  const { resolveRequest } = await import('../../placement/request/placement-request.js')
  const request = resolveRequest(requestOf(flags))
  const { findPlane, openPlaneClient } = await import('../client/plane-client.js')
  const { rank } = await import('../../placement/rank/rank.js')
  const { rankingDocument } = await import('../../observe/ranking-document.js')
  const { domain, explain, json = false, limit, wait } = flags
  const observer = await openPlaneClient(domain, 'numacast rank')
  try {
    await findPlane(observer, AbortSignal.timeout(wait))
    const snapshot = observer.view.snapshot()
    if (explain !== undefined && snapshot.worker(explain) === undefined) {
      const { NumacastError } = await import('../../core/errors.js')
      throw new NumacastError('NUMACAST_NOT_FOUND', `domain ${domain} has no worker ${explain}`)
    }
    const nowMs = observer.participant.clock.nowMs()
    const ranking = rank(snapshot, request, { nowMs })
    const document = rankingDocument(domain, ranking, nowMs, { most: limit, explained: explain })
    if (json) {
      printDocument(document)
    } else {
      const { rankingLines } = await import('../../observe/ranking-table.js')
      process.stdout.write(`${rankingLines(document).join('\n')}\n`)
    }
    const { statusCaveats } = await import('../../observe/status-caveats.js')
    const caveats = statusCaveats(observer.view.status())
    if (caveats.length > 0) {
      process.stderr.write(`numacast: the ranking may be incomplete: ${caveats.slice(0, 3).join(', ')}\n`)
    }
    if (document.fitting === 0) {
      process.stderr.write('numacast: no worker fits\n')
      process.exitCode = ExitCode.notFound
    }
  } finally {
    await observer.close()
  }
}

function requestOf(flags: RankFlags): PlacementRequest {
  const { capability, cpus, memory, vram, queue, shard } = flags
  return {
    tags: flags.tag ?? [],
    selector: { required: flags.selector ?? [], forbidden: flags.avoid ?? [], preferred: flags.prefer ?? [] },
    tolerations: flags.tolerate ?? [],
    numa: flags.numa,
    residents: flags.resident ?? [],
    strategy: flags.strategy,
    ...(capability !== undefined && { capability }),
    ...(cpus !== undefined && { cpus }),
    ...(memory !== undefined && { memoryBytes: memory }),
    ...(vram !== undefined && { vramBytes: vram }),
    ...(queue !== undefined && { queue }),
    ...(shard !== undefined && { shard }),
  }
}

function cores(text: string): number {
  const value = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && Number.isFinite(value)) return value
  throw new InvalidArgumentError('Expected a number of cores, such as 2 or 0.5.')
}
