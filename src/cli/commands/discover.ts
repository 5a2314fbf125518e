import { Command, Option } from 'commander'
import { printDocument } from '../options/document.js'
import { domainOption, durationHelp, durationMs, jsonOption } from '../options/options.js'

interface DiscoverFlags {
  readonly domain: number
  readonly json?: boolean
  readonly verbose?: boolean
  readonly wait: number
}

export function discoverCommand(): Command {
  return new Command('discover')
    .summary('print every participant, writer and reader')
    .description(
      'Joins the domain and prints its participants with their liveliness, and what they write and read, ' +
        'in which partitions, and with which QoS where that is not the default. Needs no plane: programs that only use the pub/sub layer are there too.',
    )
    .addOption(jsonOption('print { domain, participants, writers, readers } as JSON'))
    .addOption(
      new Option('--wait <duration>', 'how long to wait for answers').argParser(durationMs()).default(5_000, '5s'),
    )
    .option('--verbose', 'print every QoS policy, the defaults too (--json always does)')
    .addOption(domainOption())
    .addHelpText('after', `${durationHelp}\n\nExit code 3 when no other participant is there.`)
    .action(printDiscovery)
}

async function printDiscovery({ domain, json = false, verbose = false, wait }: DiscoverFlags): Promise<void> {
  const { NumacastError } = await import('../../core/errors.js')
  const { builtinTopics } = await import('../../pubsub/model/builtin-topics.js')
  const { discoveryLines, inOrder } = await import('../../observe/discovery-table.js')
  const { joinDomain } = await import('../../pubsub/participant.js')
  const participant = await joinDomain({ domain, name: 'numacast discover' })
  try {
    const readers = {
      participants: participant.reader(builtinTopics.participants),
      writers: participant.reader(builtinTopics.writers),
      readers: participant.reader(builtinTopics.readers),
    }
    const signal = AbortSignal.timeout(wait)
    try {
      await Promise.all(Object.values(readers).map((reader) => reader.synced({ signal })))
    } catch (error) {
      // A participant does not answer: the others are worth printing.
      if (!signal.aborted) throw error
    }
    const isOther = (guid: string): boolean => guid !== participant.guid
    const document = {
      domain,
      participants: rows(readers.participants).filter(({ guid }) => isOther(guid)),
      writers: rows(readers.writers).filter((row) => isOther(row.participant)),
      readers: rows(readers.readers).filter((row) => isOther(row.participant)),
    }
    if (document.participants.length === 0) {
      throw new NumacastError(
        'NUMACAST_NOT_FOUND',
        `no participant answers in domain ${domain}: name another with --domain`,
      )
    }
    if (json) {
      printDocument(inOrder(document))
    } else {
      process.stdout.write(`${discoveryLines(document, { verbose }).join('\n')}\n`)
    }
  } finally {
    await participant.close()
  }
}

function rows<T extends object>(reader: {
  readonly entries: () => Iterable<readonly [string, { readonly value: T | undefined }]>
}): T[] {
  return [...reader.entries()].flatMap(([, { value }]) => (value === undefined ? [] : [value]))
}
