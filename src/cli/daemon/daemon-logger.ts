import { type Logger, silentLogger } from '../../core/reporting/logger.js'
import { printable } from '../../observe/printable.js'
import { sendToParent } from './daemon.js'

/** Counters of failures that an operator can remove. The others are retried, and would only fill a terminal. */
const operatorCounters: ReadonlySet<string> = new Set([
  'worker.unserved',
  'collector.other-host-identity',
  'kernel-watch.unavailable',
  'scheduler.withheld.isolated',
])

/**
 * Returns what a daemon logs to: errors of callbacks and failures that an operator can remove, one line each, on stderr.
 * Below `numacast up` a line goes to the parent, which shows it once for all processes.
 */
export function daemonLogger(): Logger {
  return {
    ...silentLogger,
    warn: (fields) => {
      const { counter, err } = fields as { readonly counter?: unknown; readonly err?: unknown }
      if (typeof counter === 'string' && operatorCounters.has(counter)) report(counter, err)
    },
    error: (fields, message) => report(message, (fields as { readonly err?: unknown }).err),
  }
}

function report(what: string, error: unknown): void {
  const text = `${error instanceof Error ? error.message : String(error)} (${what})`
  if (process.send === undefined) process.stderr.write(`numacast: ${printable(text)}\n`)
  else void sendToParent({ kind: 'notice', text })
}
