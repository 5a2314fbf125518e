import { isIP } from 'node:net'
import { Command, InvalidArgumentError, Option } from 'commander'
import { NumacastError } from '../../core/errors.js'
import { printDocument } from '../options/document.js'
import { jsonOption } from '../options/options.js'

interface InterfacesFlags {
  readonly json?: boolean
  readonly interface?: readonly string[]
}

export function interfacesCommand(): Command {
  return new Command('interfaces')
    .summary('print the network interfaces that range subnet would use')
    .description(
      'Prints the network interfaces of this machine, those first that a participant with range subnet would use ' +
        'and advertise first, each with its use and the reason. Needs no plane and opens no socket.',
    )
    .addOption(jsonOption('print { interfaces } as JSON'))
    .addOption(
      new Option(
        '--interface <name...>',
        'as if only these were allowed: names or addresses (default: $NUMACAST_INTERFACES)',
      ).argParser(interfaceNames),
    )
    .addHelpText('after', '\nExit code 3 when there is no such interface.')
    .action(printInterfaces)
}

async function printInterfaces({ json = false, interface: allowed }: InterfacesFlags): Promise<void> {
  const { readInterfaces } = await import('../../transport/interfaces/interfaces.js')
  const named = allowed ?? (await allowedBySetting())
  const interfaces = orNotFound(() => readInterfaces({ interfaces: named }))
  if (json) {
    printDocument({ interfaces })
  } else {
    const { interfaceLines } = await import('../../observe/interface-table.js')
    process.stdout.write(`${interfaceLines(interfaces).join('\n')}\n`)
  }
}

/** Returns the interfaces that participants started from this environment may use. */
async function allowedBySetting(): Promise<readonly string[] | undefined> {
  const { resolveParticipantOptions } = await import('../../pubsub/participant-options.js')
  const { NUMACAST_INTERFACES } = process.env
  return resolveParticipantOptions({}, { NUMACAST_INTERFACES }).interfaces
}

/** What the kernel takes for a name (`dev_valid_name`), or an address. */
function interfaceNames(text: string, before: readonly string[] = []): readonly string[] {
  const isName = /^[^/:\s]{1,15}$/.test(text) && text !== '.' && text !== '..'
  if (isName || isIP(text) !== 0) return [...before, text]
  throw new InvalidArgumentError('Expected the name of an interface, such as eth0, or an address, such as 192.0.2.1.')
}

/** To a participant a name that does not exist is a wrong option; here it is what was looked for. */
function orNotFound<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof NumacastError) || error.details.interface === undefined) throw error
    throw new NumacastError('NUMACAST_NOT_FOUND', error.message, { cause: error })
  }
}
