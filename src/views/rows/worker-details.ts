import type { WorkerCapacity } from '../../plane/worker/worker-capacity.js'
import type { PublishedProfile } from '../../plane/worker/worker-profile.js'
import { type ProcessRow, ProcessRows } from './process-rows.js'

/** What one process of a worker published of itself besides its roster row. */
export interface WorkerDetail {
  readonly profile: ProcessRow<PublishedProfile> | undefined
  readonly capacity: ProcessRow<WorkerCapacity> | undefined
}

/** What the processes of workers publish of themselves besides their roster rows. */
export class WorkerDetails {
  readonly profiles = new ProcessRows<PublishedProfile>()
  readonly capacities = new ProcessRows<WorkerCapacity>()

  detailOf({ workerId, incarnation }: { readonly workerId: string; readonly incarnation: number }): WorkerDetail {
    return {
      profile: this.profiles.get(workerId, incarnation),
      capacity: this.capacities.get(workerId, incarnation),
    }
  }

  /** Removes what no server has carried for `retentionMs`. */
  expire(nowMs: number, retentionMs: number): void {
    this.profiles.expire(nowMs, retentionMs)
    this.capacities.expire(nowMs, retentionMs)
  }
}
