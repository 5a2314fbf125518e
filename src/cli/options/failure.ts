import { NumacastError } from '../../core/errors.js'
import { printable } from '../../observe/printable.js'

/**
 * Describes an error in one line for stderr. `NUMACAST_DEBUG=1` adds the stack and the causes, for debugging.
 */
export function describeFailure(error: unknown, environment: NodeJS.ProcessEnv): string {
  if (environment.NUMACAST_DEBUG === '1' && error instanceof Error) return `numacast: ${withCauses(error)}\n`
  const hint = error instanceof NumacastError ? '' : ' (NUMACAST_DEBUG=1 shows where)'
  return `numacast: ${printable(messageOf(error))}${hint}\n`
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message === '' ? error.name : error.message
}

function withCauses(error: Error): string {
  const own = error.stack ?? String(error)
  return error.cause instanceof Error ? `${own}\ncaused by ${withCauses(error.cause)}` : own
}
