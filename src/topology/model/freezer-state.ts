/** What the cgroup freezer does to a process: a paused container is frozen. */
export interface FreezerState {
  /** `null` where no visible cgroup tells. */
  readonly frozen: boolean | null
  /** Directory of the frozen cgroup: the process's own or an ancestor; `null` while the process is not frozen. */
  readonly directory: string | null
}
