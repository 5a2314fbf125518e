import { NumacastError } from '../../core/errors.js'
import type { FleetView } from '../../views/fleet-view.js'
import { Placements } from './placements.js'

/** The placements of a role, opened at their first use: a role that places nothing reads no reservations. */
export class LazyPlacements {
  readonly #view: FleetView
  #placements: Placements | undefined
  #closed = false

  constructor(view: FleetView) {
    this.#view = view
  }

  /** @throws NumacastError NUMACAST_CLOSED */
  get(): Placements {
    if (this.#closed) throw new NumacastError('NUMACAST_CLOSED', 'the role that places jobs is closed')
    this.#placements ??= new Placements(this.#view)
    return this.#placements
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true
    this.#placements?.close()
  }
}
