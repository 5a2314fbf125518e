import { NumacastError } from '../../core/errors.js'
import { checkDurationMs } from '../../core/time/duration.js'
import { nativeAddon } from '../addon/addon.js'
import type { NativeSampler } from '../addon/native-addon.js'
import { pidOrSelf } from '../addon/pid.js'
import { resolveRoot } from '../addon/root.js'
import type { HeadroomOptions } from './headroom.js'
import { type HeadroomSample, sampleFields, viewSample } from './headroom-sample.js'

export interface HeadroomSamplerOptions extends HeadroomOptions {
  /**
   * How old what changes rarely or reads slowly may become: limits, `memory.stat`, `/proc/meminfo`, cpuset, and
   * whether the process was moved to another cgroup. 0 reads everything in every sample.
   * @default 1000
   */
  readonly slowIntervalMs?: number
}

/**
 * Keeps the cgroup files open and reads them again and again: one call into the addon per sample, nothing allocated.
 * Notices by itself when the process was moved or its cgroup removed, and looks everything up again.
 *
 * Without the addon every number is `NaN`.
 */
export class HeadroomSampler {
  /** Index by `sampleFields`. Overwritten by each {@link sample}; do not transfer it to another thread. */
  readonly values: Float64Array
  readonly #native: NativeSampler | null
  readonly #view: HeadroomSample
  #closed = false

  constructor(options: HeadroomSamplerOptions = {}) {
    const root = resolveRoot(options.root)
    const pid = pidOrSelf(options.pid)
    const slowIntervalMs = options.slowIntervalMs ?? 1000
    checkDurationMs('slowIntervalMs', slowIntervalMs, { mostMs: 3_600_000 })
    this.values = new Float64Array(sampleFields.length).fill(Number.NaN)
    this.#view = viewSample(this.values)
    this.#native = nativeAddon()?.openSampler(root, pid, slowIntervalMs, this.values) ?? null
  }

  /** The files that every sample reads; the others are read once per `slowIntervalMs`. */
  get files(): readonly string[] {
    return this.#native?.files() ?? []
  }

  /**
   * Reads now. The answer is one object that each call overwrites: copy what must last.
   *
   * @throws NumacastError `NUMACAST_CLOSED` after `close()`, or when `values` was transferred away.
   */
  sample(): HeadroomSample {
    if (this.#closed) throw new NumacastError('NUMACAST_CLOSED', 'the headroom sampler is closed')
    if (this.#native !== null && !this.#native.sample()) {
      throw new NumacastError(
        'NUMACAST_CLOSED',
        'the sampler’s values were transferred to another thread: open a new one',
      )
    }
    return this.#view
  }

  /** Closes the files. Idempotent. */
  close(): void {
    this.#closed = true
    this.#native?.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/**
 * @throws NumacastError `NUMACAST_INVALID_ARGUMENT` when `root` is not a directory, or an option is out of range.
 */
export function openHeadroomSampler(options: HeadroomSamplerOptions = {}): HeadroomSampler {
  return new HeadroomSampler(options)
}
