import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { collectorCommand } from './commands/collector.js'
import { discoverCommand } from './commands/discover.js'
import { intentCommand } from './commands/intent.js'
import { interfacesCommand } from './commands/interfaces.js'
import { jobCommand } from './commands/job.js'
import { jobsCommand } from './commands/jobs.js'
import { rankCommand } from './commands/rank.js'
import { recordCommand } from './commands/record.js'
import { schedulerCommand } from './commands/scheduler.js'
import { statusCommand } from './commands/status.js'
import { topologyCommand } from './commands/topology.js'
import { upCommand } from './commands/up.js'
import { workerCommand } from './commands/worker.js'

/**
 * The command line. Each command declares itself here and loads its dependencies only when it runs. `topology`,
 * `interfaces` and `--help` therefore never wait for a socket library.
 */
export function buildProgram(): Command {
  const program = new Command('numacast')
    .description('A coordination plane for fleets of workers on NUMA machines, without a broker.')
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('--help', 'explain a command')
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 nothing found.')
  const commands = [
    upCommand(),
    statusCommand(),
    discoverCommand(),
    intentCommand(),
    jobsCommand(),
    jobCommand(),
    rankCommand(),
    topologyCommand(),
    interfacesCommand(),
    collectorCommand(),
    schedulerCommand(),
    recordCommand(),
    workerCommand(),
  ]
  for (const command of commands) program.addCommand(command)
  configure(program)
  return program
}

function configure(command: Command, path = command.name()): void {
  if (command.commands.length > 0) command.helpCommand('help [command]', 'explain a command')
  command
    .exitOverride()
    .helpOption('--help', 'explain this command')
    .showHelpAfterError(`(${path} --help explains)`)
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'numacast: ')) })
  for (const child of command.commands) configure(child, `${path} ${child.name()}`)
}

function packageVersion(): string {
  const manifest: { version: string } = JSON.parse(
    readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
  )
  return manifest.version
}
