import type { Counters } from '../../core/reporting/counters.js'
import type { ZeromqLimits } from './zeromq.js'

/**
 * Requests in progress. Further requests are refused, because handlers that never end must not hold unbounded memory.
 */
const maxInProgress = 4_096

export type RequestHandler = (request: Buffer) => Promise<Uint8Array> | Uint8Array

export interface RequestExecutorComponents {
  readonly limits: ZeromqLimits
  readonly counters: Counters
}

/** Answers the requests of all listeners through one handler. */
export class RequestExecutor {
  readonly #components: RequestExecutorComponents
  #inProgress = 0
  handler: RequestHandler | undefined

  constructor(components: RequestExecutorComponents) {
    this.#components = components
  }

  execute(body: Buffer, reply: (body: Uint8Array) => void): void {
    const { counters } = this.#components
    if (this.handler === undefined) counters.add('stream.rejected.not-serving')
    else if (this.#inProgress >= maxInProgress) counters.add('stream.rejected.too-many-requests')
    else void this.#answer(this.handler, body, reply)
  }

  async #answer(handler: RequestHandler, body: Buffer, reply: (body: Uint8Array) => void): Promise<void> {
    const { counters, limits } = this.#components
    this.#inProgress++
    try {
      const answer = await handler(body)
      if (answer.length > limits.maxMessageBytes) counters.add('stream.dropped.too-large')
      else reply(answer)
    } catch (error) {
      counters.addError('stream.failed.handler', error)
    } finally {
      this.#inProgress--
    }
  }
}
