import { Command, Option } from 'commander'
import type { FleetView } from '../../views/fleet-view.js'
import type { StatusDocument } from '../../views/status/status-document.js'
import { refuseUnhealthy } from '../client/refuse-unhealthy.js'
import { untilAborted } from '../daemon/daemon.js'
import { listenForStop } from '../daemon/stop-signals.js'
import { printDocument } from '../options/document.js'
import { domainOption, durationHelp, jsonOption, waitOption } from '../options/options.js'

interface StatusFlags {
  readonly domain: number
  readonly json?: boolean
  readonly wait: number
  readonly follow?: boolean
}

export function statusCommand(): Command {
  return new Command('status')
    .summary('print every node and worker')
    .description(
      'Joins the plane as a late joiner, prints the current state of every node, worker and intent, and leaves.',
    )
    .addOption(jsonOption('print the status document as JSON'))
    .addOption(waitOption('how long to look for a plane and wait for its state', 1_500))
    .addOption(
      new Option(
        '--follow',
        'keep running until stopped and print one line per change; with --json, each change of liveliness as JSON',
      ),
    )
    .addOption(domainOption())
    .addHelpText(
      'after',
      `${durationHelp}

Exit code 1 if the plane is not healthy: something that is known to exist is not
shown, or is not current. The last line on stderr gives the reason. With
--follow the exit code is 0 when it is stopped. Exit code 3 if no plane answers.`,
    )
    .action(printStatus)
}

async function printStatus({ domain, json = false, wait, follow = false }: StatusFlags): Promise<void> {
  const { findPlane, openPlaneClient } = await import('../client/plane-client.js')
  const observer = await openPlaneClient(domain, 'numacast status')
  try {
    await findPlane(observer, AbortSignal.timeout(wait))
    // Loaded now: between the document and the first change that is listened for nothing may happen unseen.
    const followChanges = follow ? await loadFollowing() : undefined
    const { statusLines } = await import('../../observe/status-table.js')
    const document = observer.view.status()
    if (json) {
      printDocument(document)
    } else {
      process.stdout.write(`${statusLines(document).join('\n')}\n`)
    }
    if (followChanges === undefined) await refuseUnhealthy(document, '; give it more time with --wait')
    else await followChanges(observer.view, document, json)
  } finally {
    await observer.close()
  }
}

/** Changes that come together are shown together; of liveliness each is shown. */
const conflateMs = 100
/** How often changes that come from time alone are checked. */
const refreshMs = 1_000

type FollowTools = typeof import('../../observe/line-printer.js') &
  typeof import('../../observe/liveliness-line.js') &
  typeof import('../../core/time/clock.js')
type FollowChanges = (view: FleetView, from: StatusDocument, json: boolean) => Promise<void>

async function loadFollowing(): Promise<FollowChanges> {
  const tools = {
    ...(await import('../../observe/line-printer.js')),
    ...(await import('../../observe/liveliness-line.js')),
    ...(await import('../../core/time/clock.js')),
  }
  return (view, from, json) => followChanges(tools, view, from, json)
}

async function followChanges(
  { LinePrinter, livelinessLine, systemClock }: FollowTools,
  view: FleetView,
  from: StatusDocument,
  json: boolean,
): Promise<void> {
  const stop = listenForStop()
  const printer = new LinePrinter(process.stdout, systemClock, { liveliness: false })
  printer.startFrom(from)
  let scheduled: NodeJS.Timeout | undefined
  const show = (): void => {
    scheduled = undefined
    if (!json) printer.status(view.status())
  }
  const changes = view.onChange((change) => {
    if (change.kind !== 'liveliness') scheduled ??= setTimeout(show, conflateMs)
    else if (json) process.stdout.write(`${JSON.stringify(change)}\n`)
    else printer.showLine(livelinessLine(change))
  })
  const refresh = setInterval(show, refreshMs)
  // The reader of the lines has gone.
  const gone = new AbortController()
  process.stdout.once('error', () => gone.abort())
  try {
    await untilAborted(AbortSignal.any([stop.signal, gone.signal]))
  } finally {
    changes.close()
    clearInterval(refresh)
    clearTimeout(scheduled)
    stop.close()
  }
}
