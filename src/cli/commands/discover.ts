import { Command } from 'commander'
import { printDocument } from '../options/document.js'
import { formatDuration } from '../options/duration.js'
import { domainOption, durationHelp, jsonOption, waitOption } from '../options/options.js'

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
      'Joins the domain and prints its participants, their liveliness, and the topics that each writes and reads, ' +
        'with the partitions and the QoS policies that are not the default. Needs no plane: it also lists programs ' +
        'that only use publish and subscribe.',
    )
    .addOption(jsonOption('print { domain, participants, writers, readers } as JSON'))
    .addOption(waitOption('how long to wait for answers', 5_000))
    .option('--verbose', 'print every QoS policy, including defaults (--json always does)')
    .addOption(domainOption())
    .addHelpText(
      'after',
      `${durationHelp}

Exit code 1 if some participant did not answer in time, so that something may be
missing. Exit code 3 if no other participant was found.`,
    )
    .action(printDiscovery)
}

async function printDiscovery({ domain, json = false, verbose = false, wait }: DiscoverFlags): Promise<void> {
  const { NumacastError } = await import('../../core/errors.js')
  const { builtinTopics } = await import('../../pubsub/model/builtin-topics.js')
  const { discoveryLines, inOrder } = await import('../../observe/discovery-table.js')
  const { joinDomain } = await import('../../pubsub/participant.js')
  const { clientLogger } = await import('../client/client-logger.js')
  const participant = await joinDomain({ domain, name: 'numacast discover', logger: clientLogger() })
  try {
    const readers = {
      participants: participant.reader(builtinTopics.participants),
      writers: participant.reader(builtinTopics.writers),
      readers: participant.reader(builtinTopics.readers),
    }
    const signal = AbortSignal.timeout(wait)
    let isComplete = true
    try {
      await Promise.all(Object.values(readers).map((reader) => reader.synced({ signal })))
    } catch (error) {
      // A participant does not answer: the others are worth printing.
      if (!signal.aborted) throw error
      isComplete = false
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
        `no participant answers in domain ${domain}: name another with --domain, or give a busy machine more time with --wait`,
      )
    }
    if (json) {
      printDocument(inOrder(document))
    } else {
      process.stdout.write(`${discoveryLines(document, { verbose }).join('\n')}\n`)
    }
    if (!isComplete) {
      throw new NumacastError(
        'NUMACAST_TIMEOUT',
        `not every participant answered within ${formatDuration(wait)}, so something may be missing: give them more time with --wait`,
      )
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
