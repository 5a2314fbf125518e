import { Command, Option } from 'commander'
import { closeTogether } from '../../core/close-all.js'
import { invalidArgument } from '../../core/errors.js'
import type { Collector as CollectorRole } from '../../roles/collector/collector.js'
import { runDaemon, untilAborted } from '../daemon/daemon.js'
import { daemonLogger } from '../daemon/daemon-logger.js'
import { domainOption, integerBetween } from '../options/options.js'

interface CollectorFlags {
  readonly domain: number
  readonly numaNode?: number
  readonly all?: boolean
}

export function collectorCommand(): Command {
  return new Command('collector')
    .summary("gather one NUMA node's workers")
    .description(
      'Gathers the state of the workers on a NUMA node, publishes the node and its roster to the plane, and hands ' +
        'intents down to the workers. One per node; with --numa-node the process is pinned to it. ' +
        'Stops cleanly on SIGTERM and SIGINT.',
    )
    .addOption(new Option('--numa-node <n>', 'the node to serve').argParser(integerBetween(0, 65_535)).conflicts('all'))
    .option('--all', 'serve every node of this machine from this one process, unpinned')
    .addOption(domainOption())
    .addHelpText('after', '\nWithout --numa-node and --all: the only node, if this machine has just one.')
    .action(runCollector)
}

async function runCollector(flags: CollectorFlags): Promise<void> {
  const { readTopology } = await import('../../topology/numa/topology.js')
  const nodes = nodesToServe(
    flags,
    readTopology().nodes.map(({ id }) => id),
  )
  if (flags.numaNode !== undefined) {
    const { pinProcess } = await import('../daemon/pinning.js')
    pinProcess(flags.numaNode)
  }
  const { Collector } = await import('../../roles/collector/collector.js')
  const { domain } = flags
  await runDaemon({
    title: `collector of NUMA node${nodes.length === 1 ? '' : 's'} ${nodes.join(', ')}, domain ${domain},`,
    async start() {
      const collectors: CollectorRole[] = []
      const close = async (): Promise<void> => {
        await closeTogether(collectors.map((collector) => () => collector.close()))
      }
      try {
        for (const numaNode of nodes)
          collectors.push(await Collector.start({ domain, numaNode, logger: daemonLogger() }))
      } catch (error) {
        await close()
        throw error
      }
      const [first] = collectors
      return {
        close,
        ended: Promise.race(collectors.map(({ ended }) => ended)),
        ...(first !== undefined && { participant: first.participant }),
      }
    },
    async serve({ ended }, stop) {
      const yielded = new AbortController()
      void ended.then((conflict) => yielded.abort(conflict))
      await untilAborted(AbortSignal.any([stop, yielded.signal]))
      if (!stop.aborted) throw yielded.signal.reason
    },
  })
}

function nodesToServe({ numaNode, all }: CollectorFlags, present: readonly number[]): readonly number[] {
  if (numaNode !== undefined) return [numaNode]
  if (all === true || present.length === 1) return present
  throw invalidArgument(`this machine has the NUMA nodes ${present.join(', ')}: choose --numa-node <n> or --all`)
}
