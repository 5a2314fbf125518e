import type { NumaNode } from '../../topology/model/numa-topology.js'
import type { ProcessPlan } from './plane-process.js'

export interface PlaneLayoutOptions {
  readonly domain: number
  readonly workers: number
  readonly nodes: readonly Pick<NumaNode, 'id' | 'cpus' | 'memoryTotalBytes' | 'allowed'>[]
}

/**
 * The processes of a plane by stage. They stop in this order, so that no process loses the process that it reports to.
 */
export interface PlaneLayout {
  readonly workers: readonly ProcessPlan[]
  readonly schedulers: readonly ProcessPlan[]
  readonly collectors: readonly ProcessPlan[]
}

const workerGraceMs = 15_000
const daemonGraceMs = 5_000

/**
 * One collector per NUMA node, one scheduler, and workers dealt out over the nodes that have CPUs for them. A
 * worker that dies is not started again: what `up` shows then is what a user's own worker would look like.
 */
export function layOutPlane({ domain, workers, nodes }: PlaneLayoutOptions): PlaneLayout {
  const plane = ['--domain', String(domain)]
  const hosts = nodes.filter(canHost)
  return {
    workers: Array.from({ length: workers }, (_, index) => {
      const node = hosts[index % hosts.length]
      const pin = node === undefined ? [] : ['--numa-node', String(node.id)]
      return {
        name: `worker w${index + 1}`,
        args: ['worker', '--id', `w${index + 1}`, ...pin, ...plane],
        restarts: false,
        graceMs: workerGraceMs,
      }
    }),
    schedulers: [{ name: 'scheduler', args: ['scheduler', ...plane], restarts: true, graceMs: daemonGraceMs }],
    collectors: nodes.map(({ id }) => ({
      name: `collector of node ${id}`,
      args: ['collector', '--numa-node', String(id), ...plane],
      restarts: true,
      graceMs: daemonGraceMs,
    })),
  }
}

/** A node without memory is never among the effective mems, so its not being `allowed` does not concern its CPUs. */
function canHost({ cpus, memoryTotalBytes, allowed }: PlaneLayoutOptions['nodes'][number]): boolean {
  return cpus.length > 0 && (allowed !== false || memoryTotalBytes === 0)
}
