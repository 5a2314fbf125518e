import type { Instance } from './instance.js'
import type { Precedence } from './precedence.js'

export interface InstanceTableOptions {
  readonly maxInstances: number
  readonly precedence: Precedence
  /**
   * Every change gets a sample object of its own. A value that loses becomes a sample `ApplyResult.beside` the
   * current one.
   */
  readonly hasHistory: boolean
  /** The shown value may lag behind the current one, so a change must not overwrite it. */
  readonly isPaced: boolean
  /** Whether one more value of the instance may be held. Asked only when it would be applied. */
  readonly hasRoom: (instance: Instance | undefined) => boolean
  /** The instance has been forgotten. */
  readonly forgotten: (instance: Instance) => void
}
