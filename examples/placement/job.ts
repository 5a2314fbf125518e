/** What the dispatcher sends to a worker. numacast sees its id only. */
export interface Job {
  readonly jobId: string
  readonly text: string
  /** How long the work takes. */
  readonly ms: number
}

/** The capability of the workers of this example. */
export const capability = 'digest@1'

/** The label under which a worker publishes where it takes jobs. */
export const urlLabel = 'example/url'
