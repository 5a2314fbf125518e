/** How much memory a job takes, and when. */
export interface JobShape {
  readonly memoryBytes: number
  /** Until it has allocated all of it. */
  readonly growMs: number
  /** It keeps all of it for this time, and ends. */
  readonly holdMs: number
}

export type FromWorker =
  | { readonly kind: 'ready' }
  /** It has a free slot. */
  | { readonly kind: 'take' }
  | { readonly kind: 'done'; readonly job: number }

export interface ToWorker {
  readonly job: number
  readonly shape: JobShape
}
