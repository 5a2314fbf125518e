import { invalidArgument, NumacastError } from '../../core/errors.js'
import { nativeAddon, nativeAddonOrReason } from '../addon/addon.js'
import type { NativeAddon } from '../addon/native-addon.js'
import type { Topology } from '../model/numa-topology.js'
import { readTopology } from './topology.js'

/** What came of a request to the kernel: "not possible here" is an answer, not an error. */
export type PlacementResult = { readonly applied: true } | { readonly applied: false; readonly reason: string }

/** `default`: local to wherever the thread runs. `bind`: only there. `preferred`: there first. */
export type MemoryPolicy = 'default' | 'bind' | 'preferred' | 'interleave'

const memoryPolicies: readonly MemoryPolicy[] = ['default', 'bind', 'preferred', 'interleave']

/** The CPU that the calling thread runs on right now; `null` where that cannot be asked. */
export function currentCpu(): number | null {
  return nativeAddon()?.currentCpu() ?? null
}

/** The NUMA node of that CPU. */
export function currentNode(): number | null {
  return nativeAddon()?.currentNode() ?? null
}

/** The CPUs that the calling thread may run on, ascending; `null` where that cannot be asked. */
export function getAffinity(): readonly number[] | null {
  return nativeAddon()?.getAffinity() ?? null
}

/**
 * Restricts every thread of this process, libuv's and V8's included, to `cpus`; threads started later inherit it.
 * CPUs that are offline or outside the cpuset are ignored by the kernel as long as one is left.
 *
 * @throws NumacastError `NUMACAST_INVALID_ARGUMENT` when `cpus` is empty or holds something that is no CPU id.
 */
export function setAffinity(cpus: readonly number[]): PlacementResult {
  checkIds('cpus', cpus)
  if (cpus.length === 0) throw invalidArgument('cpus is empty: a process needs at least one CPU to run on')
  return apply((addon) => addon.setAffinity([...cpus]))
}

/**
 * Sets the nodes from which the calling thread, and threads that it starts, get their memory. Pages that are already
 * there stay where they are.
 *
 * @throws NumacastError `NUMACAST_INVALID_ARGUMENT` when the policy is unknown or its nodes do not fit it.
 */
export function setMempolicy(policy: MemoryPolicy, nodes: readonly number[] = []): PlacementResult {
  if (!memoryPolicies.includes(policy)) {
    throw invalidArgument(`memory policy must be one of ${memoryPolicies.join(', ')}, not ${String(policy)}`)
  }
  checkIds('nodes', nodes)
  if ((policy === 'default') !== (nodes.length === 0)) {
    throw invalidArgument(`memory policy ${policy} takes ${policy === 'default' ? 'no nodes' : 'at least one node'}`)
  }
  return apply((addon) => addon.setMempolicy(memoryPolicies.indexOf(policy), [...nodes]))
}

/** What came of moving a process to a NUMA node: the kernel may refuse one half and do the other. */
export interface NodePlacement {
  /** Whether the process runs on the node's CPUs only. */
  readonly cpus: PlacementResult
  /**
   * Whether the node's memory is preferred. `null` when that was not asked for: the CPUs could not be set, or the node
   * has no memory that this process may use. Containers usually refuse it (`set_mempolicy` needs CAP_SYS_NICE there).
   */
  readonly memory: PlacementResult | null
}

/**
 * Runs this process on a node's CPUs (of a memory-only node, on its nearest ones) and prefers its memory. Without the
 * memory policy, memory still comes from the node of the CPU that touches it first, while that node has some free.
 *
 * @throws NumacastError `NUMACAST_NOT_FOUND` when the topology has no such node.
 */
export function pinToNode(nodeId: number, topology: Topology = readTopology()): NodePlacement {
  const node = topology.nodes.find(({ id }) => id === nodeId)
  if (node === undefined) {
    const known = topology.nodes.map(({ id }) => id).join(', ')
    throw new NumacastError('NUMACAST_NOT_FOUND', `there is no NUMA node ${nodeId}; this machine has ${known}`, {
      details: { nodeId },
    })
  }
  if (node.localCpus.length === 0) {
    const reason = `NUMA node ${nodeId} has no CPUs, and none is known to be nearest to it`
    return { cpus: { applied: false, reason }, memory: null }
  }
  const cpus = setAffinity(node.localCpus)
  if (!cpus.applied || node.memoryTotalBytes === 0 || node.allowed === false) return { cpus, memory: null }
  return { cpus, memory: setMempolicy('preferred', [nodeId]) }
}

function checkIds(what: string, ids: readonly number[]): void {
  if (!Array.isArray(ids)) throw invalidArgument(`${what} must be an array of integers, not ${String(ids)}`)
  for (const id of ids) {
    if (!Number.isInteger(id) || id < 0 || id > 0xffff) {
      throw invalidArgument(`${what} must hold integers from 0 to 65535, not ${id}`)
    }
  }
}

function apply(call: (addon: NativeAddon) => string | null): PlacementResult {
  const addon = nativeAddonOrReason()
  const reason = typeof addon === 'string' ? addon : call(addon)
  return reason === null ? { applied: true } : { applied: false, reason }
}
