import type { IntentReport, NodeStatus, StatusDocument, WorkerStatus } from '../../src/views/status/status-document.js'

/** Returns a healthy worker, with overrides. */
export function sampleWorker(own: Partial<WorkerStatus> = {}): WorkerStatus {
  return {
    workerId: 'w1',
    bootId: 'boot-alpha',
    host: 'alpha',
    numaNode: 0,
    pid: 101,
    incarnation: 1,
    state: 'available',
    liveliness: 'alive',
    cause: null,
    detail: null,
    livelinessForMs: 5_000,
    evidence: 'beacon',
    probationMs: 0,
    inFlight: 0,
    concurrency: 1,
    jobsCompleted: 7,
    jobsFailed: 0,
    admissionOpen: true,
    admissionReason: null,
    appliedIntents: [],
    eventLoopUtilization: 0.25,
    memoryHeadroomBytes: 2 * 1024 ** 3,
    profile: null,
    capacity: null,
    capacityAgeMs: null,
    ageMs: 120,
    ...own,
  }
}

export function sampleNode(own: Partial<NodeStatus> = {}): NodeStatus {
  return {
    bootId: 'boot-alpha',
    host: 'alpha',
    numaNode: 0,
    cpus: 4,
    memoryTotalBytes: 24 * 1024 ** 3,
    memoryAvailableBytes: 20 * 1024 ** 3,
    memoryLimitBytes: null,
    memoryHeadroomBytes: null,
    memoryPressureAvg60Percent: null,
    cpuPressureAvg60Percent: null,
    cpuQuotaCores: null,
    cpuHeadroomCores: 2.5,
    memoryPressurePercent: null,
    cpuPressurePercent: null,
    workers: { available: 1, busy: 0, unhealthy: 0, draining: 0 },
    collector: {
      pid: 100,
      liveliness: 'alive',
      cause: null,
      livelinessForMs: 60_000,
      adopted: false,
      unwatchedWorkers: 0,
    },
    ageMs: 300,
    ...own,
  }
}

export function sampleIntent(own: Partial<IntentReport> = {}): IntentReport {
  return {
    intentId: 'i1',
    kind: 'drain',
    target: 'w1',
    action: 'apply',
    issuer: 'operator',
    epoch: 1,
    reason: 'kernel update',
    holds: true,
    ageMs: 10,
    expiresInMs: 60_000,
    statuses: [],
    ...own,
  }
}

export function sampleDocument(own: Partial<StatusDocument> = {}): StatusDocument {
  return {
    domain: 3,
    nodes: [sampleNode()],
    workers: [sampleWorker()],
    intents: [],
    schedulers: [],
    witness: {
      freshness: 'bounded',
      lag: 0,
      lagMs: 300,
      catchUpState: 'fresh',
      degradedMode: 'healthy',
      listeningForMs: 60_000,
      unplaced: [],
      reportedElsewhere: [],
    },
    serving: {
      servedFreshness: 'bounded',
      servedToken: 'v1',
      currentToken: 'v1',
      lagSamples: 0,
      ageMs: 300,
      catchUpState: 'fresh',
      catchUpAction: 'advance',
      degradedMode: 'healthy',
      missing: [],
    },
    ...own,
  }
}
