import type { WorkerCondition } from '../../plane/worker/worker-state.js'

/** What keeps a worker from taking new work. */
export const AdmissionCode = {
  closing: 'closing',
  /** Another live worker holds its name. */
  replaced: 'replaced',
  /** Its application or its health checks found it unfit. */
  unhealthy: 'unhealthy',
  draining: 'draining',
  maintenance: 'maintenance',
  /** Its node is paused. */
  paused: 'paused',
  /** It runs as many jobs as it may. */
  atLimit: 'at-limit',
} as const
export type AdmissionCode = (typeof AdmissionCode)[keyof typeof AdmissionCode]

/** Whether a worker takes new work. Programs read `code`; `reason` is for people and may be reworded. */
export type Admission =
  | { readonly open: true; readonly code: null; readonly reason: null }
  | { readonly open: false; readonly code: AdmissionCode; readonly reason: string }

export type ClosedAdmission = Extract<Admission, { open: false }>

/** Why a worker takes no work regardless of its load. Each is null while it does not apply. */
export interface PauseReasons {
  readonly closing: boolean
  /** Names the worker that holds the name instead. */
  readonly replacedReason: string | null
  readonly unhealthyReason: string | null
  readonly drainReason: string | null
  readonly maintenanceReason: string | null
  readonly pauseReason: string | null
}

/** Everything that bears on admission. */
export interface AdmissionFacts extends PauseReasons {
  readonly inFlight: number
  readonly concurrency: number
}

export const openAdmission: Admission = Object.freeze({ open: true, code: null, reason: null })

/** Returns why no work is taken regardless of load, the most lasting cause first; null if only load decides. */
export function decidePause(reasons: PauseReasons): ClosedAdmission | null {
  if (reasons.closing) return closed(AdmissionCode.closing, 'the worker is closing')
  if (reasons.replacedReason !== null) return closed(AdmissionCode.replaced, `replaced: ${reasons.replacedReason}`)
  if (reasons.unhealthyReason !== null) return closed(AdmissionCode.unhealthy, `unhealthy: ${reasons.unhealthyReason}`)
  if (reasons.drainReason !== null) return closed(AdmissionCode.draining, `draining: ${reasons.drainReason}`)
  if (reasons.maintenanceReason !== null) {
    return closed(AdmissionCode.maintenance, `maintenance: ${reasons.maintenanceReason}`)
  }
  if (reasons.pauseReason !== null) return closed(AdmissionCode.paused, `paused: ${reasons.pauseReason}`)
  return null
}

export function decideAdmission(facts: AdmissionFacts): Admission {
  const pause = decidePause(facts)
  if (pause !== null) return pause
  if (facts.inFlight < facts.concurrency) return openAdmission
  return closed(AdmissionCode.atLimit, `at its limit of ${facts.concurrency} jobs at once`)
}

export function conditionOf(facts: AdmissionFacts): WorkerCondition {
  const isUnfit = facts.unhealthyReason !== null || facts.replacedReason !== null
  if (facts.closing || (facts.drainReason !== null && !isUnfit)) return 'draining'
  if (isUnfit) return 'unhealthy'
  return decideAdmission(facts).open ? 'available' : 'busy'
}

export function sameAdmission(a: Admission | null, b: Admission | null): boolean {
  return a?.code === b?.code && a?.reason === b?.reason
}

function closed(code: AdmissionCode, reason: string): ClosedAdmission {
  return { open: false, code, reason }
}
