import type { EntityGuid } from '../../src/core/ids.js'
import type { RosterRow } from '../../src/plane/node/node-roster.js'
import type { Sample } from '../../src/pubsub/model/sample.js'

/** Returns the GUID of a participant's first writer. One letter names the participant. */
export function writerOf(letter: string): EntityGuid {
  return `${letter.repeat(32)}.1` as EntityGuid
}

export interface SampleSketch {
  readonly writer?: string
  readonly seq?: number
  readonly atMs?: number
  readonly state?: Sample<unknown>['instanceState']
}

export function sampleOf<T>(key: string, value: T | undefined, sketch: SampleSketch = {}): Sample<T> {
  const { writer = 'a', seq = 1, atMs = 0, state = value === undefined ? 'disposed' : 'alive' } = sketch
  const guid = writerOf(writer)
  return {
    key,
    ...(value === undefined ? { value: undefined, validData: false } : { value, validData: true }),
    sampleState: 'not-read',
    instanceState: state,
    viewState: 'new',
    token: { writer: guid, seq },
    via: guid,
    writtenMs: atMs,
    receivedMs: atMs,
    writtenWallMs: 0,
    receivedWallMs: 0,
    disposedGenerationCount: 0,
    noWritersGenerationCount: 0,
  }
}

export function rosterRow(over: Partial<RosterRow> = {}): RosterRow {
  return {
    workerId: 'w',
    bootId: 'b',
    host: 'h',
    numaNode: 0,
    pid: 10,
    startTimeTicks: 10,
    pidNamespace: 1,
    incarnation: 1,
    ownershipStrength: 0,
    state: 'available',
    liveliness: 'alive',
    cause: null,
    detail: null,
    evidence: 'beacon',
    livelinessForMs: 0,
    probationMs: 0,
    predecessor: null,
    adopted: false,
    inFlight: 0,
    concurrency: 1,
    inFlightByQueue: {},
    vramUsedBytes: 0,
    jobsCompleted: 0,
    jobsFailed: 0,
    admissionOpen: true,
    admissionReason: null,
    appliedIntents: [],
    eventLoopUtilization: null,
    memoryHeadroomBytes: null,
    sourceWriter: writerOf('e'),
    sourceSeq: 1,
    sourceAgeMs: 20,
    ...over,
  }
}
