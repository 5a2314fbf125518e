import { Command, Option } from 'commander'
import { raceSignal } from '../../core/abort.js'
import { closeAll } from '../../core/close-all.js'
import type { PlaneDisplay } from '../../observe/plane-display.js'
import type { FleetView } from '../../views/fleet-view.js'
import type { StatusDocument } from '../../views/status/status-document.js'
import { refuseUnhealthy } from '../client/refuse-unhealthy.js'
import { pause } from '../daemon/daemon.js'
import { listenForStop } from '../daemon/stop-signals.js'
import { printDocument } from '../options/document.js'
import { longestDurationMs } from '../options/duration.js'
import { ExitCode } from '../options/exit-code.js'
import { operatorLogger } from '../options/operator-logger.js'
import { domainOption, durationHelp, durationMs, integerBetween, jsonOption } from '../options/options.js'
import type { PlaneSupervisor } from '../supervisor/plane-supervisor.js'

interface UpFlags {
  readonly domain: number
  readonly workers: number
  readonly duration?: number
  readonly json?: boolean
}

/** How often ages are refreshed while nothing changes. */
const refreshMs = 1_000
/** Changes that come together are shown together. */
const conflateMs = 100
/** How long the last document may wait until it shows all that has started. */
const completeWithinMs = 10_000

export function upCommand(): Command {
  return new Command('up')
    .summary('run a whole plane on this machine')
    .description(
      'Runs one collector per NUMA node, one scheduler and some sample workers as processes of this machine, and ' +
        'shows the plane: as a live table in a terminal, elsewhere as one line per change. Ctrl-C drains: the workers ' +
        'finish their job, then the scheduler and the collectors leave. A second Ctrl-C ends everything at once.\n\n' +
        'A collector or scheduler that dies is started again. A worker is not: it is shown as dead, with its cause.',
    )
    .addOption(new Option('--workers <n>', 'sample workers').argParser(integerBetween(0, 512)).default(4))
    .addOption(
      new Option(
        '--duration <duration>',
        'end after this long, counted from when every process is ready (default: at Ctrl-C)',
      ).argParser(durationMs()),
    )
    .addOption(
      jsonOption('print the final status document as JSON, and exit with 1 if it is not healthy; changes go to stderr'),
    )
    .addOption(domainOption())
    .addHelpText('after', durationHelp)
    .action(runPlane)
}

async function runPlane(flags: UpFlags): Promise<void> {
  const { readTopology } = await import('../../topology/numa/topology.js')
  const { layOutPlane } = await import('../supervisor/plane-layout.js')
  const { PlaneSupervisor } = await import('../supervisor/plane-supervisor.js')

  const stop = listenForStop()
  const display = await openDisplay(flags.json ?? false)
  const layout = layOutPlane({ domain: flags.domain, workers: flags.workers, nodes: readTopology().nodes })
  const supervisor = new PlaneSupervisor(layout, (text) => display.showLine(text))
  const leave = (): void => {
    supervisor.kill()
    display.close()
  }
  process.once('exit', leave)
  let document: StatusDocument | undefined
  try {
    document = await showPlane(flags, supervisor, display, stop.signal)
  } finally {
    stop.close()
    leave()
    process.off('exit', leave)
  }
  if (!flags.json || document === undefined) return
  printDocument(document)
  await refuseUnhealthy(document)
}

/** From start to drained. The document is taken while everything still runs. */
async function showPlane(
  flags: UpFlags,
  supervisor: PlaneSupervisor,
  display: PlaneDisplay,
  stop: AbortSignal,
): Promise<StatusDocument> {
  const { openPlaneClient } = await import('../client/plane-client.js')
  const started = supervisor.start()
  started.catch(() => undefined) // awaited below; it may fail before that
  const logger = operatorLogger((text) => display.showLine(text))
  const observer = await openPlaneClient(flags.domain, 'numacast up', logger)
  const following = follow(observer.view, display)
  let document: StatusDocument | undefined
  let inOrder = false
  const { displaced } = supervisor
  const over = AbortSignal.any([stop, displaced])
  try {
    await orStopped(started, over)
    await pause(flags.duration ?? longestDurationMs, over)
    displaced.throwIfAborted()
    // Also after a stop: a program asked for the document. A second stop ends the wait with everything else.
    if (flags.json) await untilComplete(observer.view, flags.workers)
    document = observer.view.status()
  } finally {
    display.showLine(document === undefined ? 'stopping what has been started' : drainingText(flags))
    await closeAll([
      async () => {
        inOrder = await supervisor.drain()
      },
      () => following.close(),
      () => observer.close(),
    ])
    if (!inOrder) process.exitCode = ExitCode.failed
  }
  if (inOrder) display.end(document, 'everything has stopped in order')
  return document
}

function drainingText({ workers }: UpFlags): string {
  return `draining: ${workers === 0 ? '' : 'workers finish their job, then '}the scheduler and the collectors leave`
}

/** Resolves also when the stop comes first; what goes wrong before that is thrown. */
async function orStopped(work: Promise<void>, stop: AbortSignal): Promise<void> {
  try {
    await raceSignal(work, stop)
  } catch (error) {
    if (!stop.aborted) throw error
  }
}

/** A process that has only just started may be ready before this one has received what it reports. */
async function untilComplete(view: FleetView, workers: number): Promise<void> {
  const deadline = AbortSignal.timeout(completeWithinMs)
  const { untilView } = await import('../client/plane-client.js')
  const { mayComplete } = await import('../../observe/status-caveats.js')
  const isComplete = (): boolean => {
    const document = view.status()
    return document.workers.length >= workers && !mayComplete(document)
  }
  await orStopped(untilView(view, isComplete, deadline), deadline)
}

/** Shows the plane from now on, whenever it changes and every second. */
function follow(view: FleetView, display: PlaneDisplay): { close(): void } {
  let scheduled: NodeJS.Timeout | undefined
  const show = (): void => {
    scheduled = undefined
    display.status(view.status())
  }
  const changes = view.onChange(() => {
    scheduled ??= setTimeout(show, conflateMs)
  })
  const refresh = setInterval(show, refreshMs)
  return {
    close() {
      changes.close()
      clearInterval(refresh)
      clearTimeout(scheduled)
      show()
    },
  }
}

/** With `--json`, stdout belongs to the document. */
async function openDisplay(json: boolean): Promise<PlaneDisplay> {
  const { systemClock } = await import('../../core/time/clock.js')
  if (process.stdout.isTTY && !json) {
    const { LiveTable } = await import('../../observe/live-table.js')
    return new LiveTable(process.stdout, systemClock)
  }
  const { LinePrinter } = await import('../../observe/line-printer.js')
  return new LinePrinter(json ? process.stderr : process.stdout, systemClock)
}
