import os from 'node:os'
import { nativeAddonOrReason } from '../addon/addon.js'
import { resolveRoot } from '../addon/root.js'
import type { Topology } from '../model/numa-topology.js'

export interface TopologyOptions {
  /**
   * Directory that stands for `/`: another machine's captured `/sys` and `/proc`. Symbolic links inside it are
   * resolved inside it.
   * @default '/'
   */
  readonly root?: string
}

/**
 * Reads the NUMA topology, synchronously, in a few milliseconds. Never throws for what it finds in the tree: a broken
 * file becomes a warning.
 *
 * @throws NumacastError `NUMACAST_INVALID_ARGUMENT` when `root` is not a directory.
 */
export function readTopology(options: TopologyOptions = {}): Topology {
  const root = resolveRoot(options.root)
  const addon = nativeAddonOrReason()
  if (typeof addon !== 'string') return addon.readTopology(root)
  return root === '/' ? topologyFromOs(addon) : unreadTopology(root, addon)
}

/** This machine's figures would be a wrong answer to a question about another one. */
function unreadTopology(root: string, reason: string): Topology {
  const message = `${root} was not read: ${reason}`
  return { source: 'os', nodes: [], distances: null, warnings: [{ code: 'addon-unavailable', path: '', message }] }
}

function topologyFromOs(reason: string): Topology {
  const cpus = os.cpus().map((_, index) => index)
  return {
    source: 'os',
    nodes: [
      {
        id: 0,
        cpus,
        localCpus: cpus,
        memoryTotalBytes: os.totalmem(),
        memoryFreeBytes: os.freemem(),
        memoryAvailableBytes: null,
        activeFileBytes: null,
        inactiveFileBytes: null,
        slabReclaimableBytes: null,
        hugepages: [],
        allowed: true,
      },
    ],
    distances: null,
    warnings: [{ code: 'addon-unavailable', path: '', message: `one node, made from node:os: ${reason}` }],
  }
}
