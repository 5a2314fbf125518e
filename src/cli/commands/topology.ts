import { existsSync, statSync } from 'node:fs'
import path from 'node:path'
import { Command } from 'commander'
import { NumacastError } from '../../core/errors.js'
import { printDocument } from '../options/document.js'
import { jsonOption } from '../options/options.js'

interface TopologyFlags {
  readonly json?: boolean
  readonly root?: string
}

export function topologyCommand(): Command {
  return new Command('topology')
    .summary('print NUMA nodes and cgroup headroom')
    .description(
      'Prints the NUMA nodes of this machine (CPUs, memory, distances) and what the cgroups still allow this ' +
        'process, as the native addon reads them. Needs no plane.',
    )
    .addOption(jsonOption('print { topology, headroom } as JSON'))
    .option('--root <dir>', "read another machine's captured tree instead: the folder that holds its sys/ and proc/")
    .addHelpText('after', '\nExit code 3 when the folder does not exist, or holds neither sys/ nor proc/.')
    .action(printTopology)
}

/** Loads nothing that opens a socket: this must answer at once, also in an init container or a rescue shell. */
async function printTopology({ json = false, root }: TopologyFlags): Promise<void> {
  if (root !== undefined && !existsSync(root)) {
    throw new NumacastError('NUMACAST_NOT_FOUND', `--root ${path.resolve(root)} does not exist`)
  }
  if (root !== undefined && !holdsMachine(root)) {
    throw new NumacastError(
      'NUMACAST_NOT_FOUND',
      `--root ${path.resolve(root)} holds neither sys/ nor proc/: name the folder into which a machine's were copied`,
    )
  }
  const { readTopology } = await import('../../topology/numa/topology.js')
  const { readHeadroom } = await import('../../topology/cgroup/headroom.js')
  const options = root === undefined ? {} : { root }
  const topology = readTopology(options)
  const headroom = readHeadroom(options)
  if (json) {
    printDocument({ topology, headroom })
  } else {
    const { topologyLines } = await import('../../observe/topology-table.js')
    process.stdout.write(`${topologyLines(topology, headroom).join('\n')}\n`)
  }
}

/** Either folder suffices: warnings name what is missing. If `root` is a file, the reader refuses it. */
function holdsMachine(root: string): boolean {
  return !statSync(root).isDirectory() || ['sys', 'proc'].some((name) => existsSync(path.join(root, name)))
}
