// Moves itself from node to node, and allocates under each memory policy in turn. Prints a PlacementMeasurement.
import { readHeadroom } from '../../../src/topology/cgroup/headroom.js'
import {
  currentCpu,
  currentNode,
  getAffinity,
  type MemoryPolicy,
  pinToNode,
  setAffinity,
  setMempolicy,
} from '../../../src/topology/numa/placement.js'
import { readTopology } from '../../../src/topology/numa/topology.js'
import type { PlacementMeasurement } from '../protocol.js'
import { lastProcessor, residentByNode, threadCpuLists } from './process-facts.js'

const policyBytes = 24 * 1024 * 1024
const policies: readonly { readonly policy: MemoryPolicy; readonly nodes: readonly number[] }[] = [
  { policy: 'bind', nodes: [3] },
  { policy: 'bind', nodes: [1] },
  { policy: 'preferred', nodes: [0] },
  { policy: 'interleave', nodes: [0, 1] },
  { policy: 'default', nodes: [] },
]

const topology = readTopology()
const pins = topology.nodes.map(({ id }) => {
  const result = pinToNode(id)
  return {
    nodeId: id,
    result,
    currentCpu: currentCpu(),
    currentNode: currentNode(),
    affinity: getAffinity(),
    processor: lastProcessor(),
    threadLists: threadCpuLists('self'),
  }
})

// Runs once unmeasured, because the first run of code takes memory, too.
readByNode()
residentByNode()
// The default policy is local to node 1 here.
setAffinity([2, 3])
const kept: Buffer[] = []
const measurement: PlacementMeasurement = {
  pins,
  policies: policies.map(({ policy, nodes }) => {
    const result = setMempolicy(policy, nodes)
    const residentBefore = residentByNode()
    const readBefore = readByNode()
    kept.push(touched(policyBytes))
    return {
      policy,
      nodes,
      result,
      bytes: policyBytes,
      grownByNode: growth(residentBefore, residentByNode()),
      readByNode: growth(readBefore, readByNode()),
    }
  }),
}
process.stdout.write(JSON.stringify(measurement))

function touched(bytes: number): Buffer {
  const memory = Buffer.allocUnsafeSlow(bytes)
  for (let offset = 0; offset < bytes; offset += 4096) memory[offset] = 1
  return memory
}

function readByNode(): Record<string, number> {
  return Object.fromEntries(readHeadroom().memory.byNode.map(({ nodeId, anonBytes }) => [nodeId, anonBytes]))
}

function growth(before: Record<string, number>, after: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(after).map(([node, bytes]) => [node, bytes - (before[node] ?? 0)]))
}
