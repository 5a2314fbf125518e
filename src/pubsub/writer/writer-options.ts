import type { QosOptions } from '../../qos/qos.js'

export interface WriterOptions {
  /** One partition, or several; readers of any of them match. @default 'default' */
  readonly partition?: string | readonly string[]
  /** Overrides the topic's own. */
  readonly qos?: QosOptions
  /** Closes the writer when it aborts. @default none */
  readonly signal?: AbortSignal
}
