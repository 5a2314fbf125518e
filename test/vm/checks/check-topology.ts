import type { Test } from 'tap'
import type { Machine } from '../machine.js'
import type { OfflineCpuMeasurement, TopologyMeasurement } from '../protocol.js'
import { parseNumactl } from './numactl.js'
import { mebibyte, near } from './tolerance.js'

/** The start of numactl itself takes memory between both readings. */
const freeTolerance = 48 * mebibyte

export function checkTopology(t: Test, machine: Machine, { reading, numactl, hugepages }: TopologyMeasurement): void {
  const truth = parseNumactl(numactl)
  t.equal(reading.source, 'sysfs')
  t.same(reading.warnings, [], 'no warning')
  t.same(
    reading.nodes.map(({ id, cpus }) => ({ id, cpus })),
    machine.nodes.map(({ id, cpus }) => ({ id, cpus })),
    'nodes and CPUs as the machine was built',
  )
  t.same(
    reading.nodes.map(({ id, cpus, memoryTotalBytes }) => ({ id, cpus, sizeMiB: floorMiB(memoryTotalBytes) })),
    truth.nodes.map(({ id, cpus, sizeMiB }) => ({ id, cpus, sizeMiB })),
    'nodes, CPUs and sizes as numactl prints them',
  )
  for (const node of reading.nodes) {
    const freeMiB = truth.nodes.find(({ id }) => id === node.id)?.freeMiB ?? Number.NaN
    near(t, `free memory of node ${node.id}`, node.memoryFreeBytes, freeMiB * mebibyte, freeTolerance)
  }
  const nodeIds = machine.nodes.map(({ id }) => id)
  t.same(reading.distances, { nodeIds, matrix: machine.distances }, 'distances as the machine was built')
  t.same(reading.distances?.matrix, truth.distances, 'distances as numactl prints them')
  t.same(
    reading.nodes.map(({ localCpus }) => localCpus),
    machine.localCpus,
    'the CPUs nearest to each node’s memory',
  )
  t.same(
    reading.nodes.map(({ allowed }) => allowed),
    machine.nodes.map(({ memoryMiB }) => memoryMiB > 0),
    'every node that has memory may be used',
  )
  for (const { nodeId, total } of hugepages) {
    t.ok(total > 0, `the kernel set huge pages of node ${nodeId} aside`)
    const read = reading.nodes.find(({ id }) => id === nodeId)?.hugepages
    t.equal(read?.find(({ pageBytes }) => pageBytes === 2 * mebibyte)?.total, total, `huge pages of node ${nodeId}`)
  }
}

export function checkOfflineCpu(t: Test, machine: Machine, measured: OfflineCpuMeasurement): void {
  const { offline, processors, reading, readingAfterwards } = measured
  t.notOk(processors.includes(offline), `CPU ${offline} was offline`)
  t.same(
    reading.nodes.flatMap(({ cpus }) => cpus),
    processors,
    'only the CPUs of /proc/cpuinfo',
  )
  t.same(
    readingAfterwards.nodes.map(({ cpus }) => cpus),
    machine.nodes.map(({ cpus }) => cpus),
    'it returned to its node',
  )
}

function floorMiB(bytes: number | null): number | null {
  return bytes === null ? null : Math.floor(bytes / mebibyte)
}
