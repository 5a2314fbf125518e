import { setTimeout as sleep } from 'node:timers/promises'
import { openHeadroomSampler } from '../../../src/topology/cgroup/headroom-sampler.js'
import type { MigrationMeasurement } from '../protocol.js'
import type { ControlGroups } from './control-groups.js'
import { Subject } from './subject.js'

const limitBefore = 96 * 1024 * 1024
const limitAfter = 64 * 1024 * 1024
const giveUpAfterMs = 20_000
const pollMs = 50

export async function measureMigration(groups: ControlGroups): Promise<readonly MigrationMeasurement[]> {
  return [
    await measureMove(groups, 'moved to another group', false),
    await measureMove(groups, 'moved, and the old group removed', true),
  ]
}

/** Keeps a sampler open while its process is moved. The sampler must detect the limit of the new group. */
async function measureMove(groups: ControlGroups, title: string, removes: boolean): Promise<MigrationMeasurement> {
  const outer = groups.group('move-from')
  const from = groups.group('move-from/leaf')
  const to = groups.group('move-to')
  from.limitMemory(limitBefore)
  to.limitMemory(limitAfter)
  const subject = Subject.idle(from)
  await subject.prints('ready')
  const sampler = openHeadroomSampler({ pid: subject.pid })
  try {
    const limitsRead: number[] = [sampler.sample().memoryLimitBytes]
    const discoveriesBefore = sampler.sample().discoveries
    to.enter(subject.pid)
    if (removes) {
      await from.remove()
      await outer.remove()
    }
    for (let waitedMs = 0; waitedMs < giveUpAfterMs && limitsRead.at(-1) !== limitAfter; waitedMs += pollMs) {
      const { memoryLimitBytes } = sampler.sample()
      if (!Object.is(memoryLimitBytes, limitsRead.at(-1))) limitsRead.push(memoryLimitBytes)
      await sleep(pollMs)
    }
    const discoveriesAfter = sampler.sample().discoveries
    return { title, limitBefore, limitAfter, limitsRead, discoveriesBefore, discoveriesAfter }
  } finally {
    sampler.close()
    await subject.kill()
    for (const group of [from, outer, to]) await group.remove()
  }
}
