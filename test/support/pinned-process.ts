// Pins itself in every supported way and prints the results: a test would otherwise pin its own process.
import { readdirSync, readFileSync } from 'node:fs'
import { getAffinity, pinToNode, setAffinity, setMempolicy } from '../../src/topology/numa/placement.js'
import { readTopology } from '../../src/topology/numa/topology.js'

function pin() {
  const cpu = getAffinity()?.at(-1) ?? 0
  setAffinity([cpu])
  const lists = readdirSync('/proc/self/task').map((id) => {
    const status = readFileSync(`/proc/self/task/${id}/status`, 'utf8')
    return /Cpus_allowed_list:\s*(\S+)/.exec(status)?.[1] ?? ''
  })
  const mempolicy = [
    setMempolicy('bind', [0]),
    setMempolicy('preferred', [0]),
    setMempolicy('interleave', [0]),
    setMempolicy('default'),
  ]
  const topology = readTopology()
  return { cpu, lists, mempolicy, pinned: pinToNode(topology.nodes[0]?.id ?? 0, topology) }
}

export type PinnedReport = ReturnType<typeof pin>

process.send?.(pin())
process.disconnect()
