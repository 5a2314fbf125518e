import { stat } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { NumacastError } from '../../core/errors.js'
import type { Policy } from '../../placement/policies/policy.js'

/** A name is part of a counter's and stands in one line of output. */
const longestName = 64

/**
 * Loads the policies of a module: its default export is a policy, an array of policies, or a function that returns one
 * of these.
 * @throws NumacastError NUMACAST_NOT_FOUND when there is no such file; NUMACAST_INVALID_ARGUMENT naming the file and
 *   what is wrong with it
 */
export async function loadPolicies(file: string): Promise<readonly Policy[]> {
  const refuse = (what: string, cause?: unknown): NumacastError =>
    new NumacastError('NUMACAST_INVALID_ARGUMENT', `${file}: ${what}`, { cause })
  let exported = await importDefault(file, refuse)
  if (typeof exported === 'function') {
    try {
      exported = await exported()
    } catch (error) {
      throw refuse(`its default export threw: ${messageOf(error)}`, error)
    }
  }
  const policies: readonly unknown[] = Array.isArray(exported) ? exported : [exported]
  if (policies.length === 0) throw refuse('its default export is an empty array: it must hold a policy')
  return policies.map((policy, index) => {
    const place = Array.isArray(exported) ? `policy ${index} of its default export` : 'its default export'
    const fault = faultOf(policy)
    if (fault !== undefined) throw refuse(`${place} ${fault}`)
    return policy as Policy
  })
}

async function importDefault(file: string, refuse: (what: string, cause?: unknown) => NumacastError): Promise<unknown> {
  const absolute = path.resolve(file)
  if ((await stat(absolute).catch(() => undefined))?.isFile() !== true) {
    throw new NumacastError('NUMACAST_NOT_FOUND', `there is no policy file ${file}`)
  }
  let module: { readonly default?: unknown }
  try {
    module = await import(pathToFileURL(absolute).href)
  } catch (error) {
    throw refuse(`it cannot be loaded: ${messageOf(error)}`, error)
  }
  if (module.default !== undefined) return module.default
  throw refuse('it has no default export: export a policy, an array of policies, or a function that returns them')
}

/** Returns what is wrong with a policy, as the end of a sentence. */
function faultOf(policy: unknown): string | undefined {
  if (typeof policy !== 'object' || policy === null) return 'must be an object with name, initial and decide'
  const { name, decide }: { readonly name?: unknown; readonly decide?: unknown } = policy
  if (typeof name !== 'string' || !/^[\w.:-]+$/.test(name) || name.length > longestName) {
    return `must have a name of 1 to ${longestName} letters, digits and -_.:`
  }
  if (typeof decide !== 'function') return `must have a method decide(snapshot, state, nowMs); this is policy ${name}`
  if (!('initial' in policy)) return `must have an initial state, which may be null; this is policy ${name}`
  return undefined
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
