import type { Logger } from '../../core/reporting/logger.js'
import { printable } from '../../observe/printable.js'
import { operatorLogger } from '../options/operator-logger.js'
import { sendToParent } from './daemon.js'

/**
 * Returns what a daemon logs to: lines on stderr. Below `numacast up` a line goes to the parent, which shows it once for
 * all processes.
 */
export function daemonLogger(): Logger {
  return operatorLogger((text) => {
    if (process.send === undefined) process.stderr.write(`numacast: ${printable(text)}\n`)
    else void sendToParent({ kind: 'notice', text })
  })
}
