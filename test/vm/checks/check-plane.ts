import type { Test } from 'tap'
import type { Machine } from '../machine.js'
import type { PlaneMeasurement } from '../protocol.js'
import { parseIdList } from './id-list.js'
import { mebibyte } from './tolerance.js'

/** The kernel reserves some of the memory of the machine. */
const leastShareOfMemory = 0.8
/** On a busy host an emulated CPU may delay a collector for seconds. It is then reported as stalled, which is valid. */
const accepted: ReadonlySet<string> = new Set(['alive', 'stalled'])

export function checkPlane(t: Test, machine: Machine, measured: PlaneMeasurement): void {
  const { document, processes } = measured
  t.same(
    document?.nodes.map(({ numaNode, cpus }) => ({ numaNode, cpus })),
    machine.nodes.map(({ id, cpus }) => ({ numaNode: id, cpus: cpus.length })),
    'one node of the plane per NUMA node, with its CPUs',
  )
  for (const node of document?.nodes ?? []) {
    const builtBytes = mebibyte * (machine.nodes.find(({ id }) => id === node.numaNode)?.memoryMiB ?? Number.NaN)
    t.ok(
      node.memoryTotalBytes >= leastShareOfMemory * builtBytes && node.memoryTotalBytes <= builtBytes,
      `node ${node.numaNode}: ${node.memoryTotalBytes} bytes of the ${builtBytes} that it was built with`,
    )
    t.ok(
      node.cpuHeadroomCores !== null && node.cpuHeadroomCores >= 0 && node.cpuHeadroomCores <= node.cpus,
      `node ${node.numaNode}: ${node.cpuHeadroomCores} of its ${node.cpus} cores idle`,
    )
    const title = `collector of node ${node.numaNode}`
    t.ok(accepted.has(node.collector.liveliness), `${title}: ${node.collector.liveliness}`)
    // If the guest is short of CPU, a collector may be silent for a while. Another then stands in, marked as adopted.
    const serving = processes.find(({ role, pid }) => role === 'collector' && pid === node.collector.pid)
    t.equal(serving?.nodeId !== node.numaNode, node.collector.adopted, `${title}: is its own, or is marked as stand-in`)
    t.ok(serving !== undefined, `${title}: is a process of this plane`)
    const own = processes.find(({ role, nodeId }) => role === 'collector' && nodeId === node.numaNode)
    const localCpus = machine.localCpus[node.numaNode]
    t.same(
      own?.threadLists.map(parseIdList),
      [localCpus],
      `${title}: every thread runs on the CPUs nearest to the node’s memory`,
    )
  }
  t.equal(document?.workers.length, measured.workers, 'the workers are there')
  for (const { workerId, numaNode, pid } of document?.workers ?? []) {
    const worker = processes.find((each) => each.role === 'worker' && each.pid === pid)
    t.equal(worker?.nodeId, numaNode, `${workerId}: is on the node that it reports`)
    t.same(worker?.threadLists.map(parseIdList), [machine.localCpus[numaNode]], `${workerId}: runs on its node's CPUs`)
  }
  if (!t.passing()) t.comment(`exit code ${measured.exitCode}\n${measured.stderr}`)
}
