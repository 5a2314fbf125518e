/** Something in the tree that could not be taken at face value. The reading went on without it. */
export interface ReadingWarning {
  /** Stable, for programs: see docs/topology.md for the list. */
  readonly code: string
  /** The file or directory, as seen from the root that was read; empty when it is about no single file. */
  readonly path: string
  readonly message: string
}
