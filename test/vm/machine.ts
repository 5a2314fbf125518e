/** Which controllers the guest mounts where: all on v2, all on v1, or memory and pids on v1 and the others on v2. */
export type CgroupLayout = 'v2' | 'v1' | 'hybrid'

export interface MachineNode {
  readonly id: number
  readonly cpus: readonly number[]
  readonly memoryMiB: number
  /** The node whose CPUs ACPI HMAT lists as nearest to this node's memory, if it does. */
  readonly initiator?: number
}

/** A machine as QEMU builds it, and so the reference for readings inside. */
export interface Machine {
  readonly layout: CgroupLayout
  readonly nodes: readonly MachineNode[]
  /** SLIT: row = from, column = to. */
  readonly distances: readonly (readonly number[])[]
  /** For each node, the CPUs that must be found nearest to its memory. */
  readonly localCpus: readonly (readonly number[])[]
}

/** Two ordinary nodes, a node with CPUs only, and a node with memory only. */
const nodes: readonly MachineNode[] = [
  { id: 0, cpus: [0, 1], memoryMiB: 1024 },
  { id: 1, cpus: [2, 3], memoryMiB: 768 },
  { id: 2, cpus: [4], memoryMiB: 0 },
  { id: 3, cpus: [], memoryMiB: 512 },
]

/** The memory-only node 3 is nearest to node 1, the CPU-only node 2 to node 0. */
const distances = [
  [10, 16, 16, 32],
  [16, 10, 32, 16],
  [16, 32, 10, 32],
  [32, 16, 32, 10],
]

/** The distance from node 2 to node 0 is longer than the distance back. */
const asymmetricDistances = distances.map((row, from) => row.map((far, to) => (from === 2 && to === 0 ? 32 : far)))

const byDistance = [[0, 1], [2, 3], [4], [2, 3]]
const byInitiator = [[0, 1], [2, 3], [4], [0, 1]]

/**
 * The initiators of the kernel contradict the distances here, and must take precedence. Linux refuses the HMAT, which
 * lists them, if QEMU writes it for a node without memory. So node 2 has some memory.
 */
const nodesWithInitiator = nodes.map((node) => {
  if (node.id === 2) return { ...node, memoryMiB: 256 }
  return node.id === 3 ? { ...node, initiator: 0 } : node
})

export const machines: readonly Machine[] = [
  { layout: 'v2', nodes, distances, localCpus: byDistance },
  { layout: 'v1', nodes, distances: asymmetricDistances, localCpus: byDistance },
  { layout: 'hybrid', nodes: nodesWithInitiator, distances, localCpus: byInitiator },
]

/** Returns the QEMU options for the machine: processors, memory, nodes and distances. */
export function machineOptions({ nodes, distances }: Machine): string[] {
  const withInitiators = nodes.some(({ initiator }) => initiator !== undefined)
  const cpus = nodes.reduce((sum, node) => sum + node.cpus.length, 0)
  const memoryMiB = nodes.reduce((sum, node) => sum + node.memoryMiB, 0)
  const options = ['-machine', withInitiators ? 'q35,hmat=on' : 'q35', '-smp', String(cpus), '-m', `${memoryMiB}M`]
  for (const node of nodes) {
    const parts = ['node', `nodeid=${node.id}`, ...node.cpus.map((cpu) => `cpus=${cpu}`)]
    if (node.memoryMiB > 0) {
      options.push('-object', `memory-backend-ram,id=memory${node.id},size=${node.memoryMiB}M`)
      parts.push(`memdev=memory${node.id}`)
    }
    if (node.initiator !== undefined) parts.push(`initiator=${node.initiator}`)
    options.push('-numa', parts.join(','))
  }
  distances.forEach((row, from) => {
    row.forEach((far, to) => {
      options.push('-numa', `dist,src=${from},dst=${to},val=${far}`)
    })
  })
  return options
}
