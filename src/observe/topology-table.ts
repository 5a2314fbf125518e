import type { Headroom } from '../topology/model/cgroup-headroom.js'
import type { Limit } from '../topology/model/limit.js'
import type { NumaDistances, Topology } from '../topology/model/numa-topology.js'
import { printable } from './printable.js'
import { tableLines } from './table.js'
import { formatBytes, formatIds } from './units.js'

const unknown = 'unknown'

/** Returns NUMA nodes, distances and cgroup headroom as text for a person. */
export function topologyLines(topology: Topology, headroom: Headroom): string[] {
  return [
    `NUMA nodes (from ${topology.source})`,
    ...tableLines(
      ['NODE', 'CPUS', 'NEAREST CPUS', 'MEMORY', 'FREE', 'AVAILABLE', 'ALLOWED'],
      topology.nodes.map((node) => [
        String(node.id),
        formatIds(node.cpus),
        formatIds(node.localCpus),
        sizeText(node.memoryTotalBytes),
        sizeText(node.memoryFreeBytes),
        sizeText(node.memoryAvailableBytes),
        node.allowed === null ? unknown : node.allowed ? 'yes' : 'no',
      ]),
    ),
    ...(topology.distances === null ? [] : distanceLines(topology.distances)),
    '',
    `cgroup headroom (${layoutText(headroom)})`,
    ...tableLines(
      ['', 'LIMIT', 'IN USE', 'HEADROOM'],
      [
        [
          'memory',
          limitText(headroom.memory.limit, sizeText),
          sizeText(headroom.memory.workingSetBytes),
          `${sizeText(headroom.memory.safeHeadroomBytes)} safe, ${sizeText(headroom.memory.maxHeadroomBytes)} at most`,
        ],
        [
          'cpu',
          limitText(headroom.cpu.quotaCpus, (cpus) => `${cpus} CPUs`),
          '',
          headroom.cpu.effectiveCpus === null ? unknown : `${headroom.cpu.effectiveCpus} CPUs usable`,
        ],
        [
          'pids',
          limitText(headroom.pids.limit, String),
          pidsText(headroom),
          headroom.pids.limit.state === 'unlimited' ? 'no limit' : numberText(headroom.pids.headroom),
        ],
      ],
    ),
    ...warningLines([...topology.warnings, ...headroom.warnings]),
  ]
}

function distanceLines({ nodeIds, matrix }: NumaDistances): string[] {
  return [
    '',
    'distances (10 is local)',
    ...tableLines(
      ['FROM \\ TO', ...nodeIds.map(String)],
      matrix.map((row, index) => [String(nodeIds[index] ?? '?'), ...row.map(String)]),
    ),
  ]
}

function layoutText({ layout, ancestorsVisible }: Headroom): string {
  if (layout === 'none') return 'no cgroups'
  if (ancestorsVisible === true) return layout
  return `${layout}; ${ancestorsVisible === false ? 'ancestors are hidden, their limits may be lower' : 'ancestors may be hidden'}`
}

function limitText(limit: Limit, format: (value: number) => string): string {
  if (limit.state === 'limited') return `${format(limit.value)} (${limit.levelPath})`
  return limit.state === 'unlimited' ? 'none' : `unknown: ${limit.reason}`
}

/** The root cgroup has no `pids.current`, of v1 and v2 alike. */
function pidsText({ pids, places }: Headroom): string {
  const isRoot = places.some(({ controller, cgroupPath }) => controller === 'pids' && cgroupPath === '/')
  return pids.current === null && isRoot ? 'not counted at the root' : numberText(pids.current)
}

function sizeText(bytes: number | null): string {
  return bytes === null ? unknown : formatBytes(bytes)
}

function numberText(value: number | null): string {
  return value === null ? unknown : String(value)
}

/** A file that both readings need is named once. */
function warningLines(warnings: Topology['warnings']): string[] {
  if (warnings.length === 0) return []
  const byFile = new Map(warnings.map((warning) => [`${warning.code} ${warning.path}`, warning]))
  return [
    '',
    'warnings',
    ...[...byFile.values()].map(({ path, message }) => printable(path === '' ? message : `${path}: ${message}`)),
  ]
}
