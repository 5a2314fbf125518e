import { closeAll } from '../../core/close-all.js'
import type { LedgerState } from '../../plane/scheduler/ledger-state.js'
import type { JobLedger } from '../../views/jobs/job-ledger.js'

/** What the schedulers of a plane hold of jobs, as a late joiner reads it. */
export interface LedgerClient {
  readonly ledger: JobLedger
  /** The ledgers of the schedulers. */
  readonly states: readonly LedgerState[]
}

/**
 * Joins a plane, waits for its jobs, and leaves when `use` is done. Prints on stderr when no scheduler keeps a ledger.
 * @throws NumacastError as `findPlane` does
 */
export async function withLedger(
  domain: number,
  waitMs: number,
  name: string,
  use: (client: LedgerClient) => void | Promise<void>,
): Promise<void> {
  const { findPlane, openPlaneClient } = await import('./plane-client.js')
  const { JobLedgerFeed } = await import('../../views/job-ledger-feed.js')
  const { ledgerState } = await import('../../plane/scheduler/ledger-state.js')
  const { ledgerPartition } = await import('../../plane/vocabulary/partitions.js')
  const observer = await openPlaneClient(domain, name)
  const { participant, view } = observer
  // The schedulers decide what to evict. Whatever they hold is shown.
  const feed = new JobLedgerFeed(participant, view, { maxJobs: Number.MAX_SAFE_INTEGER, retentionMs: Infinity })
  const reader = participant.reader(ledgerState, { partition: ledgerPartition })
  try {
    const deadline = AbortSignal.timeout(waitMs)
    await findPlane(observer, deadline)
    await Promise.all([feed.synced({ signal: deadline }), reader.synced({ signal: deadline })]).catch((error) => {
      if (!deadline.aborted) throw error
      process.stderr.write('numacast: not every ledger has answered in time; give it more time with --wait\n')
    })
    const states: LedgerState[] = []
    for (const [, { instanceState, value }] of reader.entries()) {
      if (instanceState === 'alive' && value !== undefined) states.push(value)
    }
    if (states.length === 0) {
      process.stderr.write('numacast: no scheduler keeps a ledger: only jobs that workers still report are known\n')
    }
    await use({ ledger: feed.ledger, states })
  } finally {
    await closeAll([() => reader.close(), () => feed.close(), () => observer.close()])
  }
}
