import { type Taint, TaintEffect } from '../../plane/vocabulary/taint.js'

/** Lets work go where a taint would keep it away. The fields and their rules are those of Kubernetes. */
export interface Toleration {
  /** Absent: every key, which needs `Exists`. */
  readonly key?: string
  /** `Exists` tolerates any value. @default 'Equal' */
  readonly operator?: 'Equal' | 'Exists'
  /** With `Equal`. @default '' */
  readonly value?: string
  /** Absent: every effect. */
  readonly effect?: TaintEffect
  /**
   * With effect `no-execute` only: how long the work may stay although the taint is there. Absent: forever; 0 or less:
   * not at all.
   */
  readonly tolerationSeconds?: number
}

export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect !== undefined && toleration.effect !== taint.effect) return false
  if (toleration.key !== undefined && toleration.key !== taint.key) return false
  return toleration.operator === 'Exists' || (toleration.value ?? '') === taint.value
}

export function isTolerated(taint: Taint, tolerations: readonly Toleration[]): boolean {
  return tolerations.some((toleration) => tolerates(toleration, taint))
}

/**
 * How long work with these tolerations may stay under these taints: null is forever, 0 not at all. As in Kubernetes
 * the shortest `tolerationSeconds` of all tolerations that match a `no-execute` taint counts, from the placement on.
 */
export function mayStayMs(taints: readonly Taint[], tolerations: readonly Toleration[]): number | null {
  let shortestMs: number | null = null
  for (const taint of taints) {
    if (taint.effect !== TaintEffect.noExecute) continue
    const matching = tolerations.filter((toleration) => tolerates(toleration, taint))
    if (matching.length === 0) return 0
    for (const { tolerationSeconds } of matching) {
      if (tolerationSeconds === undefined) continue
      const stayMs = Math.max(0, tolerationSeconds) * 1000
      shortestMs = shortestMs === null ? stayMs : Math.min(shortestMs, stayMs)
    }
  }
  return shortestMs
}
