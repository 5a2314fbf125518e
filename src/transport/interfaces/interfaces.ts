import { invalidArgument } from '../../core/errors.js'
import { type InterfaceFactsOptions, readInterfaceFacts } from './interface-facts.js'
import { isNamedBy, type RankedInterface, rankInterfaces } from './interface-rank.js'

export interface ReadInterfacesOptions extends InterfaceFactsOptions {
  /** Names or addresses that may be used; undefined allows all usable ones. @default undefined */
  readonly interfaces?: readonly string[] | undefined
}

/**
 * Lists the interfaces of this machine as a participant with range `subnet` would rank them, best first, with reasons.
 *
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT if an allowed interface does not exist
 */
export function readInterfaces(options: ReadInterfacesOptions = {}): RankedInterface[] {
  const facts = readInterfaceFacts(options)
  for (const entry of options.interfaces ?? []) {
    if (facts.some((known) => isNamedBy(entry, known))) continue
    const names = facts.map(({ name }) => name).sort()
    throw invalidArgument(
      `no interface is called ${JSON.stringify(entry)} or has it as address; there are ${names.join(', ')}`,
      {
        interface: entry,
        names,
      },
    )
  }
  return rankInterfaces(facts, options.interfaces)
}
