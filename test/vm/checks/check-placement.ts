import type { Test } from 'tap'
import type { Machine } from '../machine.js'
import type { CpusetMeasurement, PlacementMeasurement } from '../protocol.js'
import { parseIdList } from './id-list.js'
import { mebibyte, near } from './tolerance.js'

/** Pages that Node itself allocates and frees beside the 24 MiB that the test touches. */
const strayBytes = 3 * mebibyte

export function checkCpuset(t: Test, machine: Machine, measured: CpusetMeasurement): void {
  const cpus = parseIdList(measured.allowed.cpus)
  const mems = parseIdList(measured.allowed.mems)
  t.ok(cpus.length > 0 && cpus.length < machine.nodes.flatMap((node) => node.cpus).length, 'CPUs were restricted')
  t.same(measured.reading.cpuset, { cpus, mems }, 'as in /proc/<pid>/status')
  t.equal(measured.effectiveCpus, cpus.length)
  t.same(measured.reading.warnings, [], 'no warning')
  const allowedNodes = machine.nodes.map(({ id }) => ({ id, allowed: mems.includes(id) }))
  t.same(measured.allowedNodes, allowedNodes, 'the nodes that a process in the cpuset may use')
}

export function checkPlacement(t: Test, machine: Machine, { pins, policies }: PlacementMeasurement): void {
  t.equal(pins.length, machine.nodes.length, 'pinned to every node')
  for (const { nodeId, result, ...pin } of pins) {
    const localCpus = machine.localCpus[nodeId] ?? []
    t.same(result.cpus, { applied: true }, `node ${nodeId}: pinned`)
    t.not(result.memory?.applied, false, `node ${nodeId}: its memory is preferred, where it has some`)
    t.same(pin.affinity, localCpus, `node ${nodeId}: affinity`)
    t.same(
      pin.threadLists.map(parseIdList),
      [localCpus],
      `node ${nodeId}: every thread has it, according to the kernel`,
    )
    t.ok(localCpus.includes(pin.processor), `node ${nodeId}: runs on CPU ${pin.processor}, according to the kernel`)
    t.ok(pin.currentCpu !== null && localCpus.includes(pin.currentCpu), `node ${nodeId}: currentCpu ${pin.currentCpu}`)
    const node = machine.nodes.find(({ cpus }) => cpus.includes(pin.processor))
    t.equal(pin.currentNode, node?.id, `node ${nodeId}: currentNode`)
  }
  t.equal(policies.length, 5, 'all policies were tried')
  for (const { policy, nodes, result, bytes, grownByNode, readByNode } of policies) {
    const title = `${policy} ${nodes.join(', ')}`
    t.same(result, { applied: true }, `${title}: applied`)
    // The process is pinned to node 1 meanwhile.
    const expected = nodes.length === 0 ? [1] : nodes
    for (const node of expected) {
      const share = bytes / expected.length
      near(t, `${title}: pages on node ${node}, according to the kernel`, grownByNode[node] ?? 0, share, strayBytes)
      near(t, `${title}: growth of byNode ${node}`, readByNode[node] ?? null, share, strayBytes)
    }
  }
}
