import type { ReadingWarning } from './reading-warning.js'

export interface Hugepages {
  readonly pageBytes: number
  readonly total: number
  readonly free: number
  readonly surplus: number
}

/** One NUMA node. A memory figure is `null` where the kernel's file could not be read. */
export interface NumaNode {
  readonly id: number
  /** Its online CPUs, ascending; empty for a node of memory only. */
  readonly cpus: readonly number[]
  /**
   * The CPUs nearest to its memory: its own where it has some, else those of its initiators, else those of the
   * nearest nodes. Empty when the kernel does not single any out.
   */
  readonly localCpus: readonly number[]
  readonly memoryTotalBytes: number | null
  readonly memoryFreeBytes: number | null
  /** Free + active and inactive file pages + reclaimable slab: an upper bound of what can be had without swapping. */
  readonly memoryAvailableBytes: number | null
  readonly activeFileBytes: number | null
  readonly inactiveFileBytes: number | null
  readonly slabReclaimableBytes: number | null
  readonly hugepages: readonly Hugepages[]
  /** Whether this process may allocate there (effective `cpuset` mems); `null` when that could not be read. */
  readonly allowed: boolean | null
}

/** SLIT distances: 10 is local. Row = from, column = to; they may be asymmetric. */
export interface NumaDistances {
  /** The node that each row and column stands for. */
  readonly nodeIds: readonly number[]
  readonly matrix: readonly (readonly number[])[]
}

export interface Topology {
  /** `sysfs`: the kernel's nodes. `synthesised`: one node, made from `/sys` and `/proc`. `os`: one, from `node:os`. */
  readonly source: 'sysfs' | 'synthesised' | 'os'
  /** Ascending by id; ids may have gaps. Empty only for a captured tree that could not be read without the addon. */
  readonly nodes: readonly NumaNode[]
  readonly distances: NumaDistances | null
  readonly warnings: readonly ReadingWarning[]
}
