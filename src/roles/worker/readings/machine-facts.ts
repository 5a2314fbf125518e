import os from 'node:os'
import { getAffinity } from '../../../topology/numa/placement.js'
import { readTopology } from '../../../topology/numa/topology.js'

/** What a worker learns of its machine for its profile. Injected, so that a test decides it. */
export interface MachineFacts {
  /** Null where the kernel does not tell. */
  readonly cpuModel: string | null
  /** Whether this process may only run on the CPUs of the node. */
  isBoundTo(numaNode: number): boolean
}

/** This machine's: the CPU model by Node, the CPUs of the process by the addon. */
export function readMachineFacts(): MachineFacts {
  return { cpuModel: os.cpus()[0]?.model.trim().slice(0, 256) || null, isBoundTo }
}

function isBoundTo(numaNode: number): boolean {
  const cpus = getAffinity()
  const node = readTopology().nodes.find(({ id }) => id === numaNode)
  if (cpus === null || node === undefined) return false
  const local = new Set(node.localCpus)
  return cpus.every((cpu) => local.has(cpu))
}
