import { type Logger, silentLogger } from '../../core/reporting/logger.js'

/** Counters of failures that an operator can remove. The others are retried, and would only fill a terminal. */
const operatorCounters: ReadonlySet<string> = new Set([
  'collector.other-host-identity',
  // Another program holds the UDP port of a partition: nothing of that partition is received.
  'datagram.failed.bind.eaddrinuse',
  'kernel-watch.unavailable',
  'scheduler.withheld.isolated',
  'worker.unserved',
])

/** Returns a logger that passes on errors of callbacks and failures that an operator can remove, one line each. */
export function operatorLogger(print: (text: string) => void): Logger {
  const report = (what: string, error: unknown): void => {
    print(`${error instanceof Error ? error.message : String(error)} (${what})`)
  }
  return {
    ...silentLogger,
    warn: (fields) => {
      const { counter, err } = fields as { readonly counter?: unknown; readonly err?: unknown }
      if (typeof counter === 'string' && operatorCounters.has(counter)) report(counter, err)
    },
    error: (fields, message) => report(message, (fields as { readonly err?: unknown }).err),
  }
}
