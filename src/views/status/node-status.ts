import type { Verdict } from '../../liveliness/verdict.js'
import type { NodeCapacity } from '../../plane/node/node-capacity.js'
import type { Held } from '../rows/held.js'
import { serverStateOf } from '../rows/source-status.js'
import type { NodeStatus } from './status-document.js'

/** What a node's status depends on besides its server's report. */
export interface NodeFacts {
  readonly nowMs: number
  /** The verdict on the server, or how it ended. */
  readonly serverVerdict: Verdict | undefined
  readonly serverGoneMs: number | undefined
}

export function nodeStatusOf(held: Held<NodeCapacity>, { nowMs, serverVerdict, serverGoneMs }: NodeFacts): NodeStatus {
  const { value, originTimeMs } = held
  const state = serverStateOf(held, serverVerdict)
  const sinceMs = state.sinceMs ?? serverGoneMs ?? nowMs
  return {
    host: value.host,
    bootId: value.bootId,
    numaNode: value.numaNode,
    cpus: value.cpus,
    memoryTotalBytes: value.memoryTotalBytes,
    memoryAvailableBytes: value.memoryAvailableBytes,
    memoryLimitBytes: value.memoryLimitBytes,
    memoryHeadroomBytes: value.memoryHeadroomBytes,
    cpuQuotaCores: value.cpuQuotaCores,
    cpuHeadroomCores: value.cpuHeadroomCores,
    memoryPressurePercent: value.memoryPressurePercent,
    cpuPressurePercent: value.cpuPressurePercent,
    memoryPressureAvg60Percent: value.memoryPressureAvg60Percent,
    cpuPressureAvg60Percent: value.cpuPressureAvg60Percent,
    workers: value.workers,
    collector: {
      pid: value.collectorPid,
      liveliness: state.liveliness,
      cause: state.cause,
      livelinessForMs: Math.round(Math.max(0, nowMs - sinceMs)),
      adopted: value.adopted,
      unwatchedWorkers: value.unwatchedWorkers,
    },
    ageMs: Math.round(Math.max(0, nowMs - originTimeMs)),
  }
}
