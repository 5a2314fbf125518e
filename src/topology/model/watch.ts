export type WatchStatus =
  | { readonly state: 'watching' }
  /** What was watched is gone: the process exited, the cgroup was removed. The watch has released everything. */
  | { readonly state: 'ended' }
  | { readonly state: 'closed' }
  /** The watch could not be opened (no addon, old kernel, permission, no descriptor left); no event will come. */
  | { readonly state: 'unavailable'; readonly reason: string }

/**
 * A subscription to a kernel event. It holds one file descriptor (that of a process up to six), which `close()` and the
 * end of the watch release.
 */
export interface Watch {
  readonly status: WatchStatus
  /** No event is delivered after it. Idempotent. */
  close(): void
  /** Lets the watch keep the event loop alive; a new one does not. */
  ref(): void
  unref(): void
  [Symbol.dispose](): void
}
