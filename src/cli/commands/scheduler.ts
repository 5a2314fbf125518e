import { Command, Option } from 'commander'
import { runDaemon, untilAborted } from '../daemon/daemon.js'
import { daemonLogger } from '../daemon/daemon-logger.js'
import { ExitCode } from '../options/exit-code.js'
import { domainOption, durationHelp, durationMs, integerBetween, jsonOption, repeated } from '../options/options.js'

interface SchedulerFlags {
  readonly domain: number
  readonly unreachableDeadAfter?: number
  readonly policy?: readonly string[]
  readonly disable?: readonly string[]
  readonly defaultPolicies: boolean
  readonly dryRun?: boolean
  readonly replay?: string
  readonly json?: boolean
  readonly ledgerJobs?: number
  readonly ledgerRetention?: number
}

export function schedulerCommand(): Command {
  return new Command('scheduler')
    .summary('watch the fleet and emit intents')
    .description(
      'Keeps a view of every node and worker, and emits intents where its policies ask for them: a node under memory ' +
        'pressure is paused, and resumed when the pressure is over. It also keeps what operators asked for alive ' +
        'after their command has ended. Several may run. Stops cleanly on SIGTERM and SIGINT.',
    )
    .addOption(
      new Option('--policy <file>', 'a module whose policies are added, or replace those of the same name').argParser(
        repeated((text) => [text]),
      ),
    )
    .addOption(new Option('--disable <name>', 'a policy to leave out').argParser(repeated((text) => [text])))
    .addOption(new Option('--no-default-policies', 'run the policies of --policy only'))
    .addOption(new Option('--dry-run', 'print what would be issued, and issue nothing').conflicts('replay'))
    .addOption(new Option('--replay <file>', 'print what would have been issued on the snapshots of numacast record'))
    .addOption(jsonOption('with --dry-run and --replay: one JSON object per line'))
    .addOption(
      new Option('--ledger-jobs <n>', 'how many jobs its ledger holds (default: 10000)').argParser(
        integerBetween(1, 10_000_000),
      ),
    )
    .addOption(
      new Option(
        '--ledger-retention <duration>',
        'how long its ledger holds a job after the last report on it (default: 1h)',
      ).argParser(durationMs({ leastMs: 1_000 })),
    )
    .addOption(
      new Option(
        '--unreachable-dead-after <duration>',
        'a worker that is unreachable for this time counts as dead, though it may be working (default: never)',
      ).argParser(durationMs()),
    )
    .addOption(domainOption())
    .addHelpText('after', `${durationHelp}\n\nWith --replay, exit code 1 when a policy failed or a line is malformed.`)
    .action(runScheduler)
}

async function runScheduler(flags: SchedulerFlags, command: Command): Promise<void> {
  if (flags.json === true && flags.dryRun !== true && flags.replay === undefined) {
    command.error('error: --json needs --dry-run or --replay')
  }
  const { choosePolicies } = await import('../policies/choose-policies.js')
  const { policy = [], disable = [], defaultPolicies } = flags
  const policies = await choosePolicies({ files: policy, disabled: disable, withDefaults: defaultPolicies })
  const { domain, unreachableDeadAfter, json = false } = flags
  if (flags.replay !== undefined) {
    const { printReplay } = await import('../policies/print-changes.js')
    if ((await printReplay(flags.replay, policies, json)) > 0) process.exitCode = ExitCode.failed
    return
  }
  if (flags.dryRun === true) {
    const { openDryRun } = await import('../policies/print-changes.js')
    await runDaemon({
      title: `dry run of a scheduler, domain ${domain},`,
      start: () => openDryRun(domain, policies, json),
      serve: ({ gone }, stop) => untilAborted(AbortSignal.any([stop, gone])),
    })
    return
  }
  const { Scheduler } = await import('../../roles/scheduler/scheduler.js')
  const unreachableDeadAfterMs = unreachableDeadAfter ?? null
  const { ledgerJobs: maxJobs, ledgerRetention: retentionMs } = flags
  const ledger = { ...(maxJobs !== undefined && { maxJobs }), ...(retentionMs !== undefined && { retentionMs }) }
  await runDaemon({
    title: `scheduler, domain ${domain},`,
    start: () => Scheduler.start({ domain, policies, unreachableDeadAfterMs, ledger, logger: daemonLogger() }),
  })
}
