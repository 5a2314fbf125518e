import { closeAll } from '../../core/close-all.js'
import { formatAge } from '../../observe/units.js'
import type { Policy } from '../../placement/policies/policy.js'
import type { NamedNode } from '../../plane/vocabulary/targets.js'
import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import { openPlaneClient } from '../client/plane-client.js'
import { daemonLogger } from '../daemon/daemon-logger.js'
import { DryRun } from './dry-run.js'
import { changeLine, type IssuedChange } from './issued-change.js'
import { readRecording } from './recording-reader.js'
import { replay } from './replay.js'

/**
 * Prints what policies would have issued on a recording, and returns how many failed.
 * @throws NumacastError what {@link readRecording} throws
 */
export async function printReplay(file: string, policies: readonly Policy[], json: boolean): Promise<number> {
  const counts = { snapshots: 0, apply: 0, lift: 0 }
  const failed = new Set<string>()
  let lastMs = 0
  const recording = counting(readRecording(file), (nowMs) => {
    counts.snapshots++
    lastMs = nowMs
  })
  for await (const { atMs, change, snapshot } of replay(recording, policies)) {
    if (change.action === 'failed') failed.add(change.policy)
    else counts[change.action]++
    print(
      json ? JSON.stringify({ atMs: Math.round(atMs), ...change }) : `+${seconds(atMs)} ${lineOf(change, snapshot)}`,
    )
  }
  if (json) return failed.size
  print(
    `${counts.snapshots} snapshots of ${formatAge(lastMs)} replayed: ${counts.apply} applied, ${counts.lift} lifted, ` +
      `${failed.size} of ${policies.length} policies failed`,
  )
  return failed.size
}

export interface DryRunDaemon {
  /** Aborts when the reader of the output has gone. */
  readonly gone: AbortSignal
  close(): Promise<void>
}

/** Joins a plane and prints what would be issued from now on. */
export async function openDryRun(domain: number, policies: readonly Policy[], json: boolean): Promise<DryRunDaemon> {
  const client = await openPlaneClient(domain, 'numacast scheduler --dry-run', daemonLogger())
  const gone = new AbortController()
  process.stdout.once('error', () => gone.abort())
  const dryRun = new DryRun(client.view, policies, {
    changed: (change) => {
      const at = new Date().toISOString()
      print(json ? JSON.stringify({ at, ...change }) : `${at} ${lineOf(change, client.view.snapshot())}`)
    },
    withheld: (withheld) => {
      if (withheld === null) return
      const count = withheld.intents === 1 ? '1 intent' : `${withheld.intents} intents`
      process.stderr.write(`numacast: a scheduler would withhold ${count}: ${withheld.detail}\n`)
    },
  })
  return {
    gone: gone.signal,
    close: () => closeAll([() => dryRun.close(), () => client.close()]),
  }
}

async function* counting<T extends { readonly nowMs: number }>(
  items: AsyncIterable<T>,
  count: (sinceStartMs: number) => void,
): AsyncGenerator<T> {
  let startMs: number | undefined
  for await (const item of items) {
    startMs ??= item.nowMs
    count(item.nowMs - startMs)
    yield item
  }
}

function lineOf(change: IssuedChange, snapshot: PlacementSnapshot): string {
  return changeLine(change, nodesOf(snapshot))
}

function nodesOf({ zones }: PlacementSnapshot): NamedNode[] {
  return zones.flatMap((zone) => zone?.row ?? [])
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)}s`
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
