import { invalidArgument } from '../../core/errors.js'
import type { PlacementSnapshot } from './placement-snapshot.js'
import { SnapshotBuilder } from './snapshot-builder.js'
import type { SnapshotChange } from './snapshot-change.js'
import { recordedChangeSchema } from './snapshot-record-schema.js'

/** One recorded moment of the fleet. */
export interface SnapshotRecord {
  readonly format: 'numacast-snapshot-1'
  /** When it was recorded, on the clock that its rows' moments are on. */
  readonly nowMs: number
  readonly changes: readonly SnapshotChange[]
}

/** Yields the changes that make an empty builder hold what a snapshot holds. */
export function* changesFrom(snapshot: PlacementSnapshot): IterableIterator<SnapshotChange> {
  for (const intent of snapshot.intents()) yield { kind: 'intent', intent }
  for (const config of snapshot.configs()) yield { kind: 'config', config }
  for (const zone of snapshot.zones)
    if (zone?.row !== null && zone !== undefined) yield { kind: 'zone', zone: zone.row }
  for (const { workerId, load, profile, headroom } of snapshot.workers()) {
    yield { kind: 'worker-load', workerId, load }
    if (profile !== null) yield { kind: 'worker-profile', workerId, profile }
    if (headroom !== null) yield { kind: 'worker-headroom', workerId, headroom }
  }
}

/** Returns one line of JSON, without its end. */
export function recordSnapshot(snapshot: PlacementSnapshot, nowMs: number): string {
  const record: SnapshotRecord = { format: 'numacast-snapshot-1', nowMs, changes: [...changesFrom(snapshot)] }
  return JSON.stringify(record)
}

/**
 * Reads a recorded line.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT when it is no record of a snapshot, naming the field that is not acceptable
 */
export function restoreSnapshot(line: string): { readonly snapshot: PlacementSnapshot; readonly nowMs: number } {
  const record = parse(line)
  if (record?.format !== 'numacast-snapshot-1' || typeof record.nowMs !== 'number' || !Array.isArray(record.changes)) {
    throw invalidArgument(`this line is no recorded snapshot: ${line.slice(0, 80)}`)
  }
  const builder = new SnapshotBuilder()
  for (const [index, change] of record.changes.entries()) builder.apply(checked(change, index))
  return { snapshot: builder.snapshot(), nowMs: record.nowMs }
}

function checked(change: unknown, index: number): SnapshotChange {
  const parsed = recordedChangeSchema().safeParse(change)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const field = ['changes', String(index), ...(issue?.path ?? []).map(String)].join('.')
  throw invalidArgument(`${field}${ownerOf(change)}: ${issue?.message ?? 'not acceptable'}`)
}

/** Names the worker or the zone that a change is of, for people. */
function ownerOf(change: unknown): string {
  if (typeof change !== 'object' || change === null || !('workerId' in change)) return ''
  return ` of worker ${String(change.workerId)}`
}

function parse(line: string): Partial<SnapshotRecord> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return undefined
  }
}
