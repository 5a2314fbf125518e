import { nativeAddonOrReason } from '../addon/addon.js'
import { pidOrSelf } from '../addon/pid.js'
import { resolveRoot } from '../addon/root.js'
import type { Headroom } from '../model/cgroup-headroom.js'
import type { Limit } from '../model/limit.js'

export interface HeadroomOptions {
  /**
   * Directory that stands for `/`.
   * @default '/'
   */
  readonly root?: string
  /**
   * The process whose cgroups are read.
   * @default this process
   */
  readonly pid?: number
}

/**
 * Reads what the cgroups still allow, over the whole hierarchy, synchronously. Never throws for what it finds in the
 * tree. For repeated readings open a sampler (`openHeadroomSampler`), which keeps its files open.
 *
 * @throws NumacastError `NUMACAST_INVALID_ARGUMENT` when `root` is not a directory or `pid` not a process id.
 */
export function readHeadroom(options: HeadroomOptions = {}): Headroom {
  const root = resolveRoot(options.root)
  const pid = pidOrSelf(options.pid)
  const addon = nativeAddonOrReason()
  return typeof addon === 'string' ? unknownHeadroom(addon) : addon.readHeadroom(root, pid)
}

function unknownHeadroom(reason: string): Headroom {
  const unknown: Limit = { state: 'unknown', reason: 'unsupported' }
  return {
    layout: 'none',
    ancestorsVisible: 'unknown',
    memory: {
      limit: unknown,
      high: unknown,
      currentBytes: null,
      workingSetBytes: null,
      safeHeadroomBytes: null,
      maxHeadroomBytes: null,
      hostAvailableBytes: null,
      hostTotalBytes: null,
      swap: { limit: unknown, currentBytes: null, counts: 'swap' },
      events: { high: null, max: null, oom: null, oomKill: null },
      byNode: [],
      levels: [],
    },
    cpu: {
      quotaCpus: unknown,
      effectiveCpus: null,
      cpus: [],
      burstUs: null,
      weight: null,
      shares: null,
      usageUs: null,
      periods: null,
      throttledPeriods: null,
      throttledUs: null,
      levels: [],
    },
    cpuset: { cpus: null, mems: null },
    pids: { limit: unknown, current: null, headroom: null },
    hugetlb: [],
    pressure: { cpu: null, memory: null, io: null },
    places: [],
    warnings: [
      {
        code: 'addon-unavailable',
        path: '',
        message: `headroom is unknown: ${reason}`,
      },
    ],
  }
}
