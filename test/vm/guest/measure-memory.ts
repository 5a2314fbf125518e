import { closeSync, openSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { watchCgroupEvents } from '../../../src/topology/cgroup/cgroup-events-watch.js'
import { readHeadroom } from '../../../src/topology/cgroup/headroom.js'
import type { MemoryMeasurement } from '../protocol.js'
import type { ControlGroups } from './control-groups.js'
import { run } from './shell.js'
import { Subject } from './subject.js'

interface MemoryCase {
  readonly title: string
  /** Limits of the nested groups, from the outermost. */
  readonly limitsMiB: { readonly outer: number | null; readonly middle: number | null; readonly leaf: number | null }
  /** Bytes that a neighbour in the middle group has touched before. */
  readonly neighbourMiB?: number
  /** How much of a file the process has in the page cache. */
  readonly fileMiB?: number
  /** The level with the lowest limit. With a neighbour, another level may leave less. */
  readonly lowest: 'outer' | 'middle' | 'leaf'
}

const cases: readonly MemoryCase[] = [
  { title: 'tightest at the leaf', limitsMiB: { outer: 256, middle: 192, leaf: 128 }, lowest: 'leaf' },
  { title: 'tightest in the middle', limitsMiB: { outer: 256, middle: 128, leaf: 192 }, lowest: 'middle' },
  {
    title: 'tightest at the top, none at the leaf',
    limitsMiB: { outer: 128, middle: 192, leaf: null },
    lowest: 'outer',
  },
  {
    title: 'a neighbour counts at the common parent',
    limitsMiB: { outer: null, middle: 208, leaf: 192 },
    neighbourMiB: 24,
    lowest: 'leaf',
  },
  {
    title: 'clean file pages are given back',
    limitsMiB: { outer: 256, middle: null, leaf: 160 },
    fileMiB: 48,
    lowest: 'leaf',
  },
]

const mebibyte = 1024 * 1024
/** More than any limit, so that the kernel has to end the process. */
const askedBytes = 512 * mebibyte
const disk = '/dev/loop0'

export async function measureMemory(groups: ControlGroups): Promise<readonly MemoryMeasurement[]> {
  run('dd', 'if=/dev/zero', 'of=/tmp/disk', 'bs=1M', `count=${Math.max(...cases.map(({ fileMiB = 0 }) => fileMiB))}`)
  run('losetup', disk, '/tmp/disk')
  // The kernel drops the cached pages of a disk when its last descriptor is closed.
  const kept = openSync(disk, 'r')
  try {
    const measured: MemoryMeasurement[] = []
    for (const each of cases) measured.push(await measureCase(groups, each))
    return measured
  } finally {
    closeSync(kept)
  }
}

async function measureCase(groups: ControlGroups, each: MemoryCase): Promise<MemoryMeasurement> {
  const { title, limitsMiB, neighbourMiB, fileMiB, lowest } = each
  const outer = groups.group('memory-outer')
  const middle = groups.group('memory-outer/middle')
  const leaf = groups.group('memory-outer/middle/leaf')
  const beside = groups.group('memory-outer/middle/beside')
  outer.limitMemory(bytesOf(limitsMiB.outer))
  middle.limitMemory(bytesOf(limitsMiB.middle))
  leaf.limitMemory(bytesOf(limitsMiB.leaf))
  writeFileSync('/proc/sys/vm/drop_caches', '3')

  // Stays in the group, so that its counters can be read when the other process has ended.
  const keeper = Subject.idle(leaf)
  const neighbour = neighbourMiB === undefined ? null : await startNeighbour(neighbourMiB)
  const file = fileMiB === undefined ? [] : [disk, String(fileMiB * mebibyte)]
  const subject = Subject.program(leaf, 'memory-subject.js', String(askedBytes), ...file)
  let oomKillsWatched: number | null = null
  const watch = watchCgroupEvents({ file: 'memory.events', directory: leaf.directories.memory }, (events) => {
    oomKillsWatched = events.oom_kill ?? null
  })
  try {
    await keeper.prints('ready')
    await subject.prints('ready')
    const { layout, ancestorsVisible, memory, warnings } = readHeadroom({ pid: subject.pid })
    subject.tell('touch')
    const endedBy = await subject.ended()
    const lines = subject.output.trim().split('\n')
    if (groups.isV2('memory')) await eventually(() => oomKillsWatched === 1)
    return {
      title,
      reading: { layout, ancestorsVisible, memory, warnings },
      lowest: { limitBytes: bytesOf(limitsMiB[lowest]) ?? 0, level: lowest },
      activeFileBytes: ((fileMiB ?? 0) / 2) * mebibyte,
      touchedBytes: Number(lines.at(-1)),
      endedBy,
      oomKillsRead: readHeadroom({ pid: keeper.pid }).memory.events.oomKill,
      oomKillsWatched,
    }
  } finally {
    watch.close()
    await Promise.all([subject.kill(), keeper.kill(), neighbour?.kill()])
    for (const group of [beside, leaf, middle, outer]) await group.remove()
  }

  async function startNeighbour(touchMiB: number): Promise<Subject> {
    const neighbour = Subject.program(beside, 'memory-subject.js', String(touchMiB * mebibyte))
    writeFileSync(`/proc/${neighbour.pid}/oom_score_adj`, '-1000')
    await neighbour.prints('ready')
    neighbour.tell('touch')
    await neighbour.prints('touched')
    return neighbour
  }
}

function bytesOf(mebibytes: number | null): number | null {
  return mebibytes === null ? null : mebibytes * mebibyte
}

/** Gives an event time to arrive. The host checks whether it did. */
async function eventually(holds: () => boolean): Promise<void> {
  for (let waitedMs = 0; waitedMs < 5_000 && !holds(); waitedMs += 50) await sleep(50)
}
