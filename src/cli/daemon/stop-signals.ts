// Both Ctrl-C and `npm start` deliver SIGINT twice: the terminal signals the whole foreground group, and npm
// passes its own copy on. Only a signal that comes clearly later means "now".
const impatienceMs = 500

const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const
type StopSignal = keyof typeof signalNumbers

export interface StopRequest {
  /** Aborts at the first SIGINT, SIGTERM or SIGHUP, or when the parent that opened an IPC channel goes away. */
  readonly signal: AbortSignal
  /** Stops listening; the signals get their default effect back. */
  close(): void
}

/**
 * Listens for the request to stop. A second signal, at least half a second after the first, ends the process at
 * once with 128 + its number, as shells expect. A process started with an IPC channel (`numacast up` does) stops
 * when the channel closes: that is how it notices that its parent was killed.
 */
export function listenForStop(): StopRequest {
  const controller = new AbortController()
  let requestedAtMs: number | undefined

  const onSignal = (name: NodeJS.Signals): void => {
    const nowMs = performance.now()
    if (requestedAtMs === undefined) {
      requestedAtMs = nowMs
      controller.abort(name)
    } else if (nowMs - requestedAtMs >= impatienceMs) {
      process.exit(128 + signalNumbers[name as StopSignal])
    }
  }
  const onDisconnect = (): void => {
    requestedAtMs ??= performance.now()
    controller.abort('the parent process has gone')
  }

  const signals = Object.keys(signalNumbers) as StopSignal[]
  for (const name of signals) process.on(name, onSignal)
  process.on('disconnect', onDisconnect)
  if (process.channel !== undefined && !process.connected) onDisconnect()
  return {
    signal: controller.signal,
    close() {
      for (const name of signals) process.off(name, onSignal)
      process.off('disconnect', onDisconnect)
    },
  }
}
