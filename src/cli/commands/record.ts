import { Command, Option } from 'commander'
import { listenForStop } from '../daemon/stop-signals.js'
import { byteSize, byteSizeForms } from '../options/byte-size.js'
import { domainOption, durationHelp, durationMs } from '../options/options.js'

interface RecordFlags {
  readonly domain: number
  readonly interval: number
  readonly duration?: number
  readonly maxBytes: number
  readonly wait: number
}

export function recordCommand(): Command {
  return new Command('record')
    .summary('record snapshots of the fleet, for replays')
    .description(
      'Joins the plane and writes what placement and policies decide on to a new file: one snapshot of the fleet per ' +
        'line, as JSON. Stops after --duration, at --max-bytes, or when stopped. `numacast scheduler --replay` runs ' +
        'policies over it.',
    )
    .argument('<file>', 'a file that does not exist yet')
    .addOption(
      new Option('--interval <duration>', 'time between two snapshots')
        .argParser(durationMs({ leastMs: 10 }))
        .default(1_000, '1s'),
    )
    .addOption(
      new Option('--duration <duration>', 'how long to record (default: until stopped)').argParser(
        durationMs({ leastMs: 1 }),
      ),
    )
    .addOption(new Option('--max-bytes <size>', 'the most to write').argParser(byteSize).default(2 ** 28, '256MiB'))
    .addOption(
      new Option('--wait <duration>', 'how long to look for a plane').argParser(durationMs()).default(1_500, '1500ms'),
    )
    .addOption(domainOption())
    .addHelpText('after', `${durationHelp}\n\nSizes: ${byteSizeForms}.\n\nExit code 3 when no plane answers.`)
    .action(record)
}

async function record(file: string, flags: RecordFlags): Promise<void> {
  const { findPlane, openPlaneClient } = await import('../client/plane-client.js')
  const { recordFleet } = await import('../policies/record-fleet.js')
  const stop = listenForStop()
  const client = await openPlaneClient(flags.domain, 'numacast record')
  try {
    await findPlane(client, AbortSignal.timeout(flags.wait))
    const end = await recordFleet(client.view, {
      file,
      intervalMs: flags.interval,
      durationMs: flags.duration ?? null,
      maxBytes: flags.maxBytes,
      signal: stop.signal,
    })
    process.stderr.write(`numacast: ${end}\n`)
  } finally {
    stop.close()
    await client.close()
  }
}
