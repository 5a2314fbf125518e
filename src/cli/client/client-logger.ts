import type { Logger } from '../../core/reporting/logger.js'
import { printable } from '../../observe/printable.js'
import { operatorLogger } from '../options/operator-logger.js'

/** Returns what a command that looks at the plane logs to: each line once, on stderr. */
export function clientLogger(): Logger {
  const printed = new Set<string>()
  return operatorLogger((text) => {
    if (!printed.has(text)) process.stderr.write(`numacast: ${printable(text)}\n`)
    printed.add(text)
  })
}
