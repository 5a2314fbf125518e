import { Command } from 'commander'
import { runDaemon } from './daemon.js'
import { domainOption } from './options.js'

export function schedulerCommand(): Command {
  return new Command('scheduler')
    .summary('watch the fleet and emit intents')
    .description(
      'Keeps a view of every node and worker, and emits intents where its policies ask for them: a node under memory\n' +
        'pressure is paused, and resumed when the pressure is over. It also keeps what operators asked for alive\n' +
        'after their command has ended. Several may run. Stops cleanly on SIGTERM and SIGINT.',
    )
    .addOption(domainOption())
    .action(async ({ domain }: { domain: number }) => {
      const { Scheduler } = await import('../roles/scheduler.js')
      await runDaemon({ title: `scheduler, domain ${domain},`, start: () => Scheduler.start({ domain }) })
    })
}
