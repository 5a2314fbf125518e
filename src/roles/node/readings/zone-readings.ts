import { readFileSync } from 'node:fs'
import os from 'node:os'
import { mustBeSystemError } from '../../../core/error-code.js'
import { NumacastError } from '../../../core/errors.js'
import type { NodeCapacity } from '../../../plane/node/node-capacity.js'
import type { HeadroomSample } from '../../../topology/cgroup/headroom-sample.js'
import { openHeadroomSampler } from '../../../topology/cgroup/headroom-sampler.js'
import type { NumaNode, Topology } from '../../../topology/model/numa-topology.js'
import { readTopology } from '../../../topology/numa/topology.js'
import { finite } from '../../shared/finite.js'
import { PressureAverages } from '../../shared/pressure-averages.js'
import { type CpuTicks, idleCores, parseCpuTicks } from './cpu-idle.js'

export type ZoneReading = Pick<
  NodeCapacity,
  | 'cpus'
  | 'memoryTotalBytes'
  | 'memoryAvailableBytes'
  | 'distances'
  | 'memoryLimitBytes'
  | 'memoryHeadroomBytes'
  | 'cpuQuotaCores'
  | 'cpuHeadroomCores'
  | 'memoryPressurePercent'
  | 'cpuPressurePercent'
  | 'memoryPressureAvg60Percent'
  | 'cpuPressureAvg60Percent'
>

/** What a collector measures of its node. Injected, so that a test decides what is read. */
export interface ZoneReadings {
  /** @throws NumacastError NUMACAST_NOT_FOUND when the machine has no such node */
  read(): ZoneReading
  close(): void
}

/** This machine's: topology and cgroup headroom by the addon, idle time from `/proc/stat`. */
export function openZoneReadings(numaNode: number): ZoneReadings {
  const sampler = openHeadroomSampler()
  const pressure = new PressureAverages()
  let ticks: Map<number, CpuTicks> | null = null
  let usage: CpuUsage | undefined
  /** Until there is an interval to measure, every core counts as idle. */
  let idle: number | null = null
  return {
    read() {
      const topology = readTopology()
      const node = findNode(topology, numaNode)
      const headroom = sampler.sample()
      const ticksNow = readCpuTicks()
      // Not `localCpus`: the neighbors of a node of memory alone count for the node that they belong to.
      if (ticksNow === null) idle = null
      else idle = (ticks === null ? null : idleCores(ticks, ticksNow, node.cpus)) ?? idle ?? node.cpus.length
      ticks = ticksNow
      const usageNow = cpuUsage(headroom)
      const left = quotaLeft(headroom, usage, usageNow)
      usage = usageNow
      return {
        cpus: node.cpus.length,
        ...memoryOf(node, topology, headroom),
        distances: distancesFrom(topology, numaNode),
        memoryLimitBytes: finite(headroom.memoryLimitBytes),
        memoryHeadroomBytes: Number.isFinite(headroom.memoryLimitBytes) ? finite(headroom.safeHeadroomBytes) : null,
        cpuQuotaCores: finite(headroom.quotaCpus),
        cpuHeadroomCores: left === null || idle === null ? idle : Math.min(idle, left),
        ...pressure.read(headroom),
      }
    },
    close: () => sampler.close(),
  }
}

interface CpuUsage {
  readonly usageUs: number
  readonly atMs: number
}

function cpuUsage(headroom: HeadroomSample): CpuUsage | undefined {
  const usageUs = finite(headroom.cpuUsageUs)
  return usageUs === null ? undefined : { usageUs, atMs: performance.now() }
}

/** Cores that the quota still allows, by what its cgroup used over the last interval; null without a quota. */
function quotaLeft(headroom: HeadroomSample, before: CpuUsage | undefined, after: CpuUsage | undefined): number | null {
  const quota = finite(headroom.quotaCpus)
  if (quota === null) return null
  if (before === undefined || after === undefined || after.atMs <= before.atMs) return quota
  const usedCores = (after.usageUs - before.usageUs) / 1_000 / (after.atMs - before.atMs)
  return Math.max(0, quota - Math.max(0, usedCores))
}

function findNode(topology: Topology, numaNode: number): NumaNode {
  const node = topology.nodes.find(({ id }) => id === numaNode)
  if (node !== undefined) return node
  const known = topology.nodes.map(({ id }) => id).join(', ')
  throw new NumacastError('NUMACAST_NOT_FOUND', `there is no NUMA node ${numaNode}; this machine has ${known}`, {
    details: { numaNode },
  })
}

/**
 * On a machine of one node the kernel's own totals are the better ones: MemAvailable knows the watermarks, and memory
 * that was added while it ran may be missing from the node's own file.
 */
function memoryOf(
  node: NumaNode,
  topology: Topology,
  headroom: HeadroomSample,
): Pick<ZoneReading, 'memoryTotalBytes' | 'memoryAvailableBytes'> {
  const hostAvailable = finite(headroom.hostAvailableBytes)
  if (topology.nodes.length === 1) {
    return { memoryTotalBytes: os.totalmem(), memoryAvailableBytes: hostAvailable ?? os.freemem() }
  }
  const total = node.memoryTotalBytes ?? 0
  const available = node.memoryAvailableBytes ?? node.memoryFreeBytes ?? 0
  return { memoryTotalBytes: total, memoryAvailableBytes: Math.min(available, total) }
}

function distancesFrom(topology: Topology, numaNode: number): Record<string, number> | null {
  const { distances } = topology
  const row = distances?.matrix[distances.nodeIds.indexOf(numaNode)]
  if (distances === null || row === undefined) return null
  return Object.fromEntries(distances.nodeIds.map((id, index) => [String(id), row[index] ?? 0]))
}

/** Null where `/proc/stat` is hidden (`ProcSubset=pid`) or tells nothing of any CPU: idle time is then unknown. */
function readCpuTicks(): Map<number, CpuTicks> | null {
  try {
    const ticks = parseCpuTicks(readFileSync('/proc/stat', 'utf8'))
    return ticks.size === 0 ? null : ticks
  } catch (error) {
    mustBeSystemError(error)
    return null
  }
}
