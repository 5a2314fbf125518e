import { Command } from 'commander'
import { printDocument } from './document.js'
import { jsonOption } from './options.js'

interface InterfacesFlags {
  readonly json: boolean
  readonly interface?: readonly string[]
}

export function interfacesCommand(): Command {
  return new Command('interfaces')
    .summary('print the network interfaces that range subnet would use')
    .description(
      'Prints the network interfaces of this machine, those first that a participant with range subnet would use\n' +
        'and advertise first, each with its use and the reason. Needs no plane and opens no socket.',
    )
    .addOption(jsonOption('print { interfaces } as JSON'))
    .option('--interface <name...>', 'as if only these were allowed: names or addresses')
    .action(printInterfaces)
}

async function printInterfaces({ json, interface: allowed }: InterfacesFlags): Promise<void> {
  const { readInterfaces } = await import('../transport/interfaces.js')
  const interfaces = readInterfaces({ interfaces: allowed })
  if (json) {
    printDocument({ interfaces })
  } else {
    const { interfaceLines } = await import('../observe/interface-table.js')
    process.stdout.write(`${interfaceLines(interfaces).join('\n')}\n`)
  }
}
