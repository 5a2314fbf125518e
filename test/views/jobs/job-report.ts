import type { JobLifecycle } from '../../../src/plane/worker/job-lifecycle.js'

/** Returns a report of worker `w`, incarnation 1, that job 1 of no named queue has started. */
export function jobReport(fields: Partial<JobLifecycle> = {}): JobLifecycle {
  return {
    jobId: '1',
    workerId: 'w',
    incarnation: 1,
    queue: '',
    attempt: 1,
    revision: 0,
    event: 'started',
    state: 'running',
    startedAtMs: 0,
    durationMs: null,
    progress: null,
    note: null,
    error: null,
    retryable: null,
    retryAfterMs: null,
    ...fields,
  }
}
