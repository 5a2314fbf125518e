import { Command, Option } from 'commander'
import { runDaemon } from '../daemon/daemon.js'
import { daemonLogger } from '../daemon/daemon-logger.js'
import { domainOption, durationHelp, durationMs } from '../options/options.js'

interface SchedulerFlags {
  readonly domain: number
  readonly unreachableDeadAfter?: number
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
      new Option(
        '--unreachable-dead-after <duration>',
        'a worker that is unreachable for this time counts as dead, though it may be working (default: never)',
      ).argParser(durationMs()),
    )
    .addOption(domainOption())
    .addHelpText('after', durationHelp)
    .action(async ({ domain, unreachableDeadAfter }: SchedulerFlags) => {
      const { Scheduler } = await import('../../roles/scheduler/scheduler.js')
      const unreachableDeadAfterMs = unreachableDeadAfter ?? null
      await runDaemon({
        title: `scheduler, domain ${domain},`,
        start: () => Scheduler.start({ domain, unreachableDeadAfterMs, logger: daemonLogger() }),
      })
    })
}
