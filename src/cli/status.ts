import { Command, Option } from 'commander'
import { printDocument } from './document.js'
import { domainOption, durationMs, jsonOption } from './options.js'

interface StatusFlags {
  readonly domain: number
  readonly json: boolean
  readonly wait: number
}

export function statusCommand(): Command {
  return new Command('status')
    .summary('print every node and worker')
    .description(
      'Joins the plane as a late joiner, prints every node, worker and intent with its current state, and leaves.',
    )
    .addOption(jsonOption('print the status document as JSON'))
    .addOption(
      new Option('--wait <duration>', 'how long to look for a plane').argParser(durationMs()).default(1_500, '1500ms'),
    )
    .addOption(domainOption())
    .addHelpText('after', '\nExit code 3 when no plane answers.')
    .action(printStatus)
}

async function printStatus({ domain, json, wait }: StatusFlags): Promise<void> {
  const { findPlane, openObserver } = await import('./observer.js')
  const observer = await openObserver(domain, 'numacast status')
  try {
    await findPlane(observer, wait)
    const document = observer.view.status()
    if (json) {
      printDocument(document)
    } else {
      const { statusLines } = await import('../observe/status-table.js')
      process.stdout.write(`${statusLines(document).join('\n')}\n`)
    }
  } finally {
    await observer.close()
  }
}
