export type WatchStatus =
  | { readonly state: 'watching' }
  /** What was watched is gone: the process exited, the cgroup was removed. The watch has let go of everything. */
  | { readonly state: 'ended' }
  | { readonly state: 'closed' }
  /** This machine cannot be asked (no addon, old kernel, permission); no event will come. */
  | { readonly state: 'unavailable'; readonly reason: string }

/**
 * A subscription to a kernel event. It holds one file descriptor (that of a process up to six), which `close()` and the
 * end of the watch release.
 */
export interface Watch {
  readonly status: WatchStatus
  /** No event is delivered after it. Twice is fine. */
  close(): void
  /** Lets the watch keep the event loop alive; a new one does not. */
  ref(): void
  unref(): void
  [Symbol.dispose](): void
}
