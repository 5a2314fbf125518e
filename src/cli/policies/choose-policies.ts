import { invalidArgument } from '../../core/errors.js'
import { defaultPolicies } from '../../placement/policies/default-policies.js'
import type { Policy } from '../../placement/policies/policy.js'
import { loadPolicies } from './load-policies.js'

export interface PolicyChoice {
  /** Modules whose policies are added, or take the place of the default policy of the same name. */
  readonly files: readonly string[]
  /** Names of policies that are left out. */
  readonly disabled: readonly string[]
  readonly withDefaults: boolean
}

/**
 * Returns the policies that a command line asks for.
 * @throws NumacastError what {@link loadPolicies} throws; NUMACAST_INVALID_ARGUMENT when two files have a policy of one
 *   name, or a disabled one does not exist
 */
export async function choosePolicies({ files, disabled, withDefaults }: PolicyChoice): Promise<readonly Policy[]> {
  const chosen = new Map(withDefaults ? defaultPolicies().map((policy) => [policy.name, policy]) : [])
  const fileOf = new Map<string, string>()
  for (const file of files) {
    for (const policy of await loadPolicies(file)) {
      const { name } = policy
      const other = fileOf.get(name)
      if (other !== undefined) {
        const where = other === file ? `${file} has two policies` : `${other} and ${file} both have a policy`
        throw invalidArgument(`${where} named ${name}: each needs a name of its own`)
      }
      fileOf.set(name, file)
      chosen.set(name, policy)
    }
  }
  for (const name of disabled) {
    if (chosen.delete(name)) continue
    const known = [...chosen.keys()].join(', ')
    throw invalidArgument(`there is no policy ${name} to disable${known === '' ? '' : `; there are ${known}`}`)
  }
  return [...chosen.values()]
}
