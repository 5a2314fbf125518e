import type { Liveliness, LivelinessCause, VerdictEvidence } from '../../liveliness/verdict.js'

/** Why a view cannot tell whether a process is alive. */
export const FateUnknown = {
  /** Its node is not served, or its server is silent. The process may be working. */
  unreachable: 'unreachable',
  /** No record of the process: it never reached this plane, or it ended longer ago than ends are kept. */
  noRecord: 'no-record',
} as const
export type FateUnknown = (typeof FateUnknown)[keyof typeof FateUnknown]

/** What became of one process of a worker. A missing record is `unknown`, never `dead`. */
export type WorkerFate =
  /** With or without its name: a process that was replaced may be alive. */
  | { readonly fate: 'alive'; readonly liveliness: Liveliness }
  | {
      readonly fate: 'dead'
      readonly cause: LivelinessCause | null
      readonly detail: string | null
      /** What the verdict rests on; null where the record does not contain it. */
      readonly evidence: VerdictEvidence | null
      /** How long ago the process was found dead; null where the record does not contain it. */
      readonly deadForMs: number | null
    }
  | { readonly fate: 'unknown'; readonly reason: FateUnknown }
