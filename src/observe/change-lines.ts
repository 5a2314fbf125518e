import { nodeName, nodeTarget, shownTarget } from '../plane/vocabulary/targets.js'
import type { IntentReport, NodeStatus, StatusDocument, WorkerStatus } from '../views/status/status-document.js'
import { printable } from './printable.js'
import { collectorText, livelinessText, reasonText, stateText } from './status-table.js'
import { formatBytes, formatCores } from './units.js'

export interface ChangeLinesOptions {
  /** Whether to report workers that join, leave or change liveliness. @default true */
  readonly liveliness?: boolean
}

/**
 * Returns what changed from one status document to the next, for people: one line per change. Changes of load
 * (available ⇄ busy, jobs, headroom) come many times a second and are left to {@link totalsLine}.
 */
export function changeLines(
  before: StatusDocument | undefined,
  after: StatusDocument,
  options: ChangeLinesOptions = {},
): string[] {
  const { liveliness = true } = options
  const ofWorker = liveliness ? workerChange : workerCondition
  return [
    ...changes(before?.nodes, after.nodes, nodeTarget, nodeChange, (node) => `node ${nodeName(node)} left`),
    ...changes(before?.workers, after.workers, workerName, ofWorker, (worker) => {
      return `worker ${worker.workerId} is forgotten (it was ${livelinessText(worker)})`
    }),
    ...changes(
      before?.intents,
      after.intents,
      (intent) => intent.intentId,
      (intent, previous) => intentChange(intent, previous, after.nodes),
      () => undefined,
    ),
  ].map(printable)
}

/** The load that {@link changeLines} leaves out. */
export function totalsLine(document: StatusDocument): string {
  const totals = { available: 0, busy: 0, unhealthy: 0, draining: 0 }
  for (const node of document.nodes) {
    for (const state of ['available', 'busy', 'unhealthy', 'draining'] as const) totals[state] += node.workers[state]
  }
  const jobs = document.workers.reduce((sum, worker) => sum + worker.jobsCompleted, 0)
  const states = Object.entries(totals).map(([state, count]) => `${count} ${state}`)
  return `workers: ${states.join(', ')}; ${jobs} ${jobs === 1 ? 'job' : 'jobs'} completed; ${idleText(document.nodes)}`
}

function idleText(nodes: StatusDocument['nodes']): string {
  const known = nodes.map(({ cpuHeadroomCores }) => cpuHeadroomCores).filter((cores) => cores !== null)
  if (known.length === 0 && nodes.length > 0) return 'idle cores unknown'
  const sum = `${formatCores(known.reduce((total, cores) => total + cores, 0))} cores idle`
  const missing = nodes.length - known.length
  return missing === 0 ? sum : `${sum}, unknown for ${missing} of ${nodes.length} nodes`
}

function changes<T>(
  before: readonly T[] | undefined,
  after: readonly T[],
  nameOf: (item: T) => string,
  change: (item: T, previous: T | undefined) => string | undefined,
  gone: (item: T) => string | undefined,
): string[] {
  const previous = new Map((before ?? []).map((item) => [nameOf(item), item]))
  const present = new Set(after.map(nameOf))
  return [
    ...after.map((item) => change(item, previous.get(nameOf(item)))),
    ...[...previous].filter(([name]) => !present.has(name)).map(([, item]) => gone(item)),
  ].filter((line) => line !== undefined)
}

function nodeChange(node: NodeStatus, previous: NodeStatus | undefined): string | undefined {
  if (previous !== undefined) return collectorChange(node, previous)
  const memory = `${formatBytes(node.memoryAvailableBytes)} of ${formatBytes(node.memoryTotalBytes)} available`
  return `node ${nodeName(node)} joined: ${node.cpus} CPUs, ${memory}`
}

/** A worker that takes over has another pid. */
function collectorChange(node: NodeStatus, { collector: before }: NodeStatus): string | undefined {
  const { collector } = node
  const name = `node ${nodeName(node)}`
  if (collector.pid !== before.pid) {
    const how = collector.adopted ? ', which stands in for its own collector' : ''
    return `${name}: served by pid ${collector.pid}${how}, was pid ${before.pid}`
  }
  if (collectorText(collector) === collectorText(before)) return undefined
  return `${name}: its collector (pid ${collector.pid}) ${collectorText(before)} → ${collectorText(collector)}`
}

function workerName(worker: WorkerStatus): string {
  return worker.workerId
}

function workerChange(worker: WorkerStatus, previous: WorkerStatus | undefined): string | undefined {
  const { workerId, pid } = worker
  const where = `${worker.host}/${worker.numaNode}, pid ${pid}`
  if (previous === undefined) return `worker ${workerId} joined: ${workerText(worker)} on ${where}`
  if (previous.pid !== pid && worker.liveliness !== 'dead') {
    return `worker ${workerId} returned: ${workerText(worker)} on ${where}, was pid ${previous.pid}`
  }
  const facts = [
    ...(condition(previous) === condition(worker) ? [] : [`${condition(previous)} → ${condition(worker)}`]),
    ...(livelinessText(previous) === livelinessText(worker)
      ? []
      : [`${livelinessText(previous)} → ${livelinessText(worker)}`]),
  ]
  return facts.length === 0 ? undefined : `worker ${workerId}: ${facts.join(', ')}`
}

/** What it reports of itself, without its liveliness. */
function workerCondition(worker: WorkerStatus, previous: WorkerStatus | undefined): string | undefined {
  if (previous === undefined || previous.pid !== worker.pid || condition(previous) === condition(worker))
    return undefined
  return `worker ${worker.workerId}: ${condition(previous)} → ${condition(worker)}`
}

function workerText(worker: WorkerStatus): string {
  return worker.liveliness === 'alive' ? condition(worker) : livelinessText(worker)
}

/** Taking a job and ending it is load, not news; being held back is news. */
function condition(worker: WorkerStatus): string {
  const state = stateText(worker)
  return state === 'available' || state === 'busy' ? 'working' : state
}

function intentChange(
  intent: IntentReport,
  previous: IntentReport | undefined,
  nodes: readonly NodeStatus[],
): string | undefined {
  const name = `intent ${intent.action === 'lift' ? 'lift ' : ''}${intent.kind} of ${shownTarget(intent.target, nodes)}`
  const known = new Map(previous?.statuses.map((worker) => [worker.workerId, worker.transition]))
  const steps = intent.statuses
    .filter(({ workerId, transition }) => known.get(workerId) !== transition)
    .map(({ workerId, transition, reason }) => {
      const from = known.get(workerId)
      return `${workerId} ${from === undefined ? '' : `${from} → `}${transition}${reason === null ? '' : ` (${reason})`}`
    })
  if (previous === undefined) {
    const reported = steps.length === 0 ? '' : `: ${steps.join(', ')}`
    const reason = reasonText(intent)
    return `${name} by ${intent.issuer}${reason === '' ? '' : ` (${reason})`}${reported}`
  }
  return steps.length === 0 ? undefined : `${name}: ${steps.join(', ')}`
}
