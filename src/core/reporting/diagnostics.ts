import { channel } from 'node:diagnostics_channel'

/**
 * The channels of `node:diagnostics_channel` on which numacast publishes, for tracers and monitors. Names and messages
 * are part of the public interface.
 */
export const diagnosticsChannels = Object.freeze({
  /** A callback of the application (a listener, a policy, …) threw. Message: {@link CaughtError}. */
  callbackError: 'numacast:callback-error',
  /** An operation of numacast failed and is counted; numacast goes on. Message: {@link CaughtError}. */
  error: 'numacast:error',
  /** A participant's view of a peer changed. Message: `{ participant, event }`, with the event that `onPeer` gets. */
  peer: 'numacast:peer',
})

/** An error that numacast caught. */
export interface CaughtError {
  /** The counter that counts it, such as `reader.listener-threw`. */
  readonly counter: string
  readonly error: unknown
  /** How often this counter has gone up, this time included. */
  readonly count: number
  /** The GUID of the participant, where there is one. */
  readonly participant: string | undefined
}

const callbackErrors = channel(diagnosticsChannels.callbackError)
const errors = channel(diagnosticsChannels.error)
const peers = channel(diagnosticsChannels.peer)

export function publishCallbackError(caught: CaughtError): void {
  if (callbackErrors.hasSubscribers) callbackErrors.publish(caught)
}

export function publishError(caught: CaughtError): void {
  if (errors.hasSubscribers) errors.publish(caught)
}

export function publishPeer(participant: string, event: unknown): void {
  if (peers.hasSubscribers) peers.publish({ participant, event })
}
