import { nodeName } from '../plane/vocabulary/targets.js'
import type { StatusDocument } from '../views/status/status-document.js'
import { ViewMode } from '../views/status/view-consistency.js'
import { printable } from './printable.js'
import { collectorText } from './status-table.js'
import { formatAge } from './units.js'

/** Returns why a status is not the whole truth, a phrase for each reason; empty if its view is healthy. */
export function statusCaveats({ nodes, witness }: StatusDocument): string[] {
  if (witness.degradedMode === ViewMode.healthy) return []
  const lasting = [
    ...witness.reportedElsewhere.map((node) => `node ${nodeName(node)} is absent`),
    ...witness.unplaced.map(({ workerId }) => `no collector serves worker ${workerId}`),
    ...nodes
      .filter(({ collector }) => collector.liveliness !== 'alive')
      .map((node) => `the collector of ${nodeName(node)} is ${collectorText(node.collector)}`),
  ]
  if (lasting.length > 0) return lasting.map(printable)
  if (nodes.length === 0) return ['no node is known']
  if (witness.catchUpState === 'fresh') return [`the oldest report of a node is ${formatAge(witness.lagMs ?? 0)} old`]
  return [witness.lag === 0 ? 'not every collector has answered' : `${witness.lag} changes have not arrived`]
}

/** Whether only time is missing: nothing is known to be absent, and what was asked for may still arrive. */
export function mayComplete({ nodes, witness }: StatusDocument): boolean {
  if (witness.degradedMode === ViewMode.healthy) return false
  if (witness.reportedElsewhere.length + witness.unplaced.length > 0) return false
  return nodes.every(({ collector }) => collector.liveliness === 'alive')
}
