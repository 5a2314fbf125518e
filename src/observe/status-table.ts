import { defaultReason } from '../plane/intents/intents.js'
import { nodeName, shownTarget } from '../plane/vocabulary/targets.js'
import type { ReportedNode } from '../views/rows/reported-problems.js'
import type { UnplacedReason, UnplacedWorker } from '../views/rows/unplaced-worker.js'
import type { IntentReport, NodeStatus, StatusDocument, WorkerStatus } from '../views/status/status-document.js'
import { printable } from './printable.js'
import { tableLines } from './table.js'
import { formatAge, formatBytes, formatCores } from './units.js'

export interface StatusTableOptions {
  /** How many of the latest intents to show. @default 10 */
  readonly intents?: number
}

/** The whole plane for a person: nodes, workers, the latest intents, and how far this view can be trusted. */
export function statusLines(document: StatusDocument, options: StatusTableOptions = {}): string[] {
  const intents = document.intents.slice(-(options.intents ?? 10))
  return [
    `domain ${document.domain}: ${witnessText(document)}`,
    '',
    ...tableLines(
      ['NODE', 'CPUS', 'CPU HEADROOM', 'MEMORY AVAILABLE', 'OF', 'LIMIT', 'AVAILABLE', 'BUSY', 'UNHEALTHY', 'DRAINING'],
      document.nodes.map(nodeCells),
    ),
    ...document.nodes.flatMap(collectorLine),
    ...missingLines(document),
    ...document.schedulers.flatMap(withheldLine),
    '',
    ...(document.workers.length === 0
      ? ['no workers']
      : tableLines(
          ['WORKER', 'NODE', 'PID', 'STATE', 'LIVELINESS', 'IN FLIGHT', 'JOBS', 'LOAD', 'HEADROOM', 'AGE'],
          document.workers.map(workerCells),
        )),
    ...(intents.length === 0
      ? []
      : [
          '',
          ...tableLines(
            ['INTENT', 'TARGET', 'BY', 'PROGRESS', 'REASON'],
            intents.map((intent) => intentCells(intent, document.nodes)),
          ),
        ]),
  ]
}

function nodeCells(node: NodeStatus): string[] {
  return [
    nodeName(node),
    String(node.cpus),
    `${formatCores(node.cpuHeadroomCores)} cores`,
    formatBytes(node.memoryAvailableBytes),
    formatBytes(node.memoryTotalBytes),
    limitText(node),
    String(node.workers.available),
    String(node.workers.busy),
    String(node.workers.unhealthy),
    String(node.workers.draining),
  ]
}

/** A line on a scheduler that does not issue what its policies want. */
function withheldLine({ name, host, pid, withheld }: StatusDocument['schedulers'][number]): string[] {
  if (withheld === null) return []
  const intents = withheld.intents === 1 ? '1 intent' : `${withheld.intents} intents`
  return [printable(`${name} (pid ${pid} on ${host}) withholds ${intents}: ${withheld.detail}`)]
}

/** Lines on the server of a node, unless it is the node's own collector in good health. */
function collectorLine({ collector, ageMs, ...of }: NodeStatus): string[] {
  const node = printable(nodeName(of))
  const { pid, liveliness, cause, livelinessForMs, adopted, unwatchedWorkers } = collector
  if (liveliness !== 'alive') {
    const since = `${collectorText({ liveliness, cause })} for ${formatAge(livelinessForMs)}`
    return [`the collector of ${node} (pid ${pid}) has been ${since}: its last report is ${formatAge(ageMs)} old`]
  }
  const standIn = adopted ? [`${node} is served by pid ${pid}, which stands in for its own collector`] : []
  const workers = unwatchedWorkers === 1 ? '1 worker' : `${unwatchedWorkers} workers`
  const unwatched =
    unwatchedWorkers === 0 ? [] : [`the kernel does not watch ${workers} of ${node} for pid ${pid}: silence decides`]
  return [...standIn, ...unwatched]
}

/** `alive`, or `stalled (stopped)`. */
export function collectorText({ liveliness, cause }: Pick<NodeStatus['collector'], 'liveliness' | 'cause'>): string {
  return cause === null ? liveliness : `${liveliness} (${cause})`
}

function limitText({ memoryLimitBytes, cpuQuotaCores }: NodeStatus): string {
  const limits = [
    ...(cpuQuotaCores === null ? [] : [`${formatCores(cpuQuotaCores)} cores`]),
    ...(memoryLimitBytes === null ? [] : [formatBytes(memoryLimitBytes)]),
  ]
  return limits.length === 0 ? 'none' : limits.join(', ')
}

function workerCells(worker: WorkerStatus): string[] {
  return [
    worker.workerId,
    nodeName(worker),
    String(worker.pid),
    stateText(worker),
    livelinessText(worker),
    `${worker.inFlight} of ${worker.concurrency}`,
    worker.jobsFailed === 0 ? String(worker.jobsCompleted) : `${worker.jobsCompleted}, ${worker.jobsFailed} failed`,
    worker.eventLoopUtilization === null ? '?' : `${Math.round(worker.eventLoopUtilization * 100)} %`,
    formatBytes(worker.memoryHeadroomBytes),
    formatAge(worker.ageMs),
  ]
}

/** The worker's state, and why it takes no work although it could. At its limit it is just `busy`. */
export function stateText(worker: WorkerStatus): string {
  const atLimit = worker.inFlight > 0 && worker.inFlight >= worker.concurrency
  const heldBack = !worker.admissionOpen && !atLimit && worker.state !== 'draining'
  return heldBack && worker.admissionReason !== null ? `${worker.state} (${worker.admissionReason})` : worker.state
}

/** `alive`, or `dead (killed: SIGKILL)`. */
export function livelinessText({
  liveliness,
  cause,
  detail,
}: Pick<WorkerStatus, 'liveliness' | 'cause' | 'detail'>): string {
  if (cause === null) return liveliness
  return detail === null ? `${liveliness} (${cause})` : `${liveliness} (${cause}: ${detail})`
}

function intentCells(intent: IntentReport, nodes: readonly NodeStatus[]): string[] {
  const what = intent.action === 'lift' ? `lift ${intent.kind}` : intent.kind
  return [
    intent.holds ? what : `${what} (over)`,
    shownTarget(intent.target, nodes),
    intent.issuer,
    progressText(intent),
    reasonText(intent),
  ]
}

/** Returns the reason that the issuer gave; empty if there is none. */
export function reasonText(intent: IntentReport): string {
  return intent.reason === defaultReason(intent) ? '' : intent.reason
}

function progressText(intent: IntentReport): string {
  const counts = new Map<string, number>()
  for (const { transition } of intent.statuses) counts.set(transition, (counts.get(transition) ?? 0) + 1)
  if (counts.size === 0) return 'not reported yet'
  return [...counts].map(([transition, count]) => (count === 1 ? transition : `${count} ${transition}`)).join(', ')
}

function witnessText({ witness }: StatusDocument): string {
  const lag = witness.lag === 0 ? 'all known changes received' : `${witness.lag} changes behind`
  const listening = `listening for ${formatAge(witness.listeningForMs)}`
  return `${witness.degradedMode}, ${witness.catchUpState}, ${lag}, ${listening}`
}

/** What the lists above do not contain. */
function missingLines({ witness }: StatusDocument): string[] {
  return [...witness.unplaced.map(unplacedText), ...witness.reportedElsewhere.map(reportedText)].map(printable)
}

const reasonTexts: Readonly<Record<UnplacedReason, string>> = {
  'no-collector-for-node': 'no collector serves its NUMA node',
  'no-collector-for-host': 'no collector of its host is known',
  'other-host-identity':
    'a collector of a host of this name reports another boot id: one of the two may not see /proc/sys/kernel',
  'not-received': 'the collector of its node does not receive from it',
}

/** A worker that runs, and that no collector serves. */
export function unplacedText(worker: UnplacedWorker): string {
  const { workerId, pid, reason, unservedForMs } = worker
  const where = `pid ${pid} on ${nodeName(worker)}`
  return `worker ${workerId} (${where}) has not been served for ${formatAge(unservedForMs)}: ${reasonTexts[reason]}`
}

/** A node that others have received from, and that this view does not see. */
export function reportedText(node: ReportedNode): string {
  const { workers, silentForMs, reportedBy } = node
  const had = workers === 1 ? '1 live worker' : `${workers} live workers`
  const silence = `has been silent for ${formatAge(silentForMs)}`
  return `node ${nodeName(node)} ${silence}, as ${reportedBy.join(' and ')} reports: it had ${had}`
}
