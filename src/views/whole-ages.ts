import type { StatusDocument } from './status-document.js'

/** Ages in whole milliseconds: what lies behind the point is the clock's, not the fleet's. */
export function withWholeAges(document: StatusDocument): StatusDocument {
  const { witness } = document
  return {
    ...document,
    nodes: document.nodes.map((node) => ({
      ...node,
      collector: { ...node.collector, livelinessForMs: Math.round(node.collector.livelinessForMs) },
      ageMs: Math.round(node.ageMs),
    })),
    workers: document.workers.map((worker) => ({
      ...worker,
      livelinessForMs: Math.round(worker.livelinessForMs),
      probationMs: Math.ceil(worker.probationMs),
      ageMs: Math.round(worker.ageMs),
    })),
    intents: document.intents.map((intent) => ({
      ...intent,
      ageMs: Math.round(intent.ageMs),
      expiresInMs: Math.ceil(intent.expiresInMs),
    })),
    witness: { ...witness, lagMs: witness.lagMs === null ? null : Math.round(witness.lagMs) },
  }
}
