import { type ProcessEnd, ProcessProbe, type ProcessReading } from './process-reading.js'

/** What readings of one process, taken one after the other, show. */
export type ProcessFinding =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'gone'; readonly end: ProcessEnd | null }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'io-wait' }
  | { readonly kind: 'frozen' }
  /** It exists, and no more is known. */
  | { readonly kind: 'exists' }
  /** It computes. */
  | { readonly kind: 'busy'; readonly detail: string }
  /** Its main thread waits and it uses no CPU worth naming: it may be idle, or blocked in a call. */
  | { readonly kind: 'asleep' }

/** Using at least this share of one CPU is work; an idle participant uses about a hundredth. */
const busyShare = 0.2
/** The kernel counts CPU time in ticks of 10 ms: over less than this a share would be noise. */
const minSpanMs = 100

/**
 * Distinguishes a working process from a waiting one. A state alone does not: the main thread of a busy process is asleep
 * now and then, so CPU time between two readings decides.
 */
export class ProcessInspector {
  #base: { readonly atMs: number; readonly cpuTimeMs: number } | undefined
  #share: number | undefined

  inspect({ state, cpuTimeMs, end }: ProcessReading, nowMs: number): ProcessFinding {
    this.#measure(cpuTimeMs, nowMs)
    switch (state) {
      case ProcessProbe.unknown:
        return { kind: 'unknown' }
      case ProcessProbe.gone:
        return { kind: 'gone', end }
      case ProcessProbe.stopped:
        return { kind: 'stopped' }
      case ProcessProbe.ioWait:
        return { kind: 'io-wait' }
      case ProcessProbe.frozen:
        return { kind: 'frozen' }
      case ProcessProbe.exists:
        return { kind: 'exists' }
      case ProcessProbe.running:
        return { kind: 'busy', detail: this.#share === undefined ? 'computing' : describeShare(this.#share) }
      case ProcessProbe.sleeping:
        if (this.#share === undefined || this.#share < busyShare) return { kind: 'asleep' }
        return { kind: 'busy', detail: describeShare(this.#share) }
    }
  }

  /** Forgets earlier readings: the peer was received, and they prove nothing about its next silence. */
  reset(): void {
    this.#base = undefined
    this.#share = undefined
  }

  #measure(cpuTimeMs: number | null, nowMs: number): void {
    if (cpuTimeMs === null) {
      this.reset()
      return
    }
    const spanMs = this.#base === undefined ? 0 : nowMs - this.#base.atMs
    if (this.#base !== undefined && spanMs < minSpanMs) return
    if (this.#base !== undefined) this.#share = Math.max(0, cpuTimeMs - this.#base.cpuTimeMs) / spanMs
    this.#base = { atMs: nowMs, cpuTimeMs }
  }
}

function describeShare(share: number): string {
  return `using ${Math.round(share * 100)} % of a CPU`
}
