import { readFileSync, writeFileSync } from 'node:fs'
import { readTopology } from '../../../src/topology/numa/topology.js'
import type { OfflineCpuMeasurement, TopologyMeasurement } from '../protocol.js'
import { run } from './shell.js'

const hugepageNodes = [0, 1, 3]

/** Reads the topology while a few huge pages are set aside on each node that has memory. */
export function measureTopology(): TopologyMeasurement {
  for (const nodeId of hugepageNodes) writeFileSync(hugepageFile(nodeId), String(nodeId + 1))
  try {
    const hugepages = hugepageNodes.map((nodeId) => ({
      nodeId,
      total: Number(readFileSync(hugepageFile(nodeId), 'utf8')),
    }))
    return { reading: readTopology(), numactl: run('numactl', '-H'), hugepages }
  } finally {
    for (const nodeId of hugepageNodes) writeFileSync(hugepageFile(nodeId), '0')
  }
}

export function measureOfflineCpu(): OfflineCpuMeasurement {
  const offline = 3
  const file = `/sys/devices/system/cpu/cpu${offline}/online`
  writeFileSync(file, '0')
  const processors = onlineProcessors()
  const reading = readTopology()
  writeFileSync(file, '1')
  return { offline, processors, reading, readingAfterwards: readTopology() }
}

function onlineProcessors(): readonly number[] {
  const cpuinfo = readFileSync('/proc/cpuinfo', 'utf8')
  return [...cpuinfo.matchAll(/^processor\s*: (\d+)$/gm)].map(([, id]) => Number(id))
}

function hugepageFile(nodeId: number): string {
  return `/sys/devices/system/node/node${nodeId}/hugepages/hugepages-2048kB/nr_hugepages`
}
