/** Whether gaps are repaired. */
export const Reliability = { bestEffort: 'best-effort', reliable: 'reliable' } as const
export type Reliability = (typeof Reliability)[keyof typeof Reliability]

/** Whether a late joiner gets what the writer holds. */
export const Durability = { volatile: 'volatile', transientLocal: 'transient-local' } as const
export type Durability = (typeof Durability)[keyof typeof Durability]

/** How many changes of an instance are kept: the last `historyDepth`, or all that the resource limits allow. */
export const History = { keepLast: 'keep-last', keepAll: 'keep-all' } as const
export type History = (typeof History)[keyof typeof History]

/** What asserts that the writer is alive: its process, or the program itself, for all of its writers or for each. */
export const LivelinessKind = {
  automatic: 'automatic',
  manualByParticipant: 'manual-by-participant',
  manualByTopic: 'manual-by-topic',
} as const
export type LivelinessKind = (typeof LivelinessKind)[keyof typeof LivelinessKind]

/** Whether several writers may change one instance, or only the strongest of those alive. */
export const Ownership = { shared: 'shared', exclusive: 'exclusive' } as const
export type Ownership = (typeof Ownership)[keyof typeof Ownership]

/** In which order a reader takes changes of different writers: as it got them, or as they were written. */
export const DestinationOrder = { byReception: 'by-reception', bySource: 'by-source' } as const
export type DestinationOrder = (typeof DestinationOrder)[keyof typeof DestinationOrder]
