import { setTimeout as delay } from 'node:timers/promises'
import { watchProcess } from '../../src/topology.js'
import type { Group, Member } from './group.js'

/** Times of one kill, in milliseconds after the signal was sent. */
export interface Kill {
  /** When the observers declared it dead. */
  readonly detectedMs: number
  /** When the kernel reported the end to the parent: its memory is freed, and the exit code can be read. */
  readonly kernelMs: number
  /** When a `watchProcess` of this process reported it, without any network; null if there is none. */
  readonly watchedMs: number | null
}

const patienceMs = 120_000
/** Members that are never killed: a membership protocol needs some to confirm a suspicion. */
const survivors = 3

/**
 * Kills members one after another, each at a random moment of the group's intervals. Starts new ones when none is left.
 */
export async function measureKills(group: Group, count: number, atOnce: number): Promise<readonly Kill[]> {
  const detected = new Map<string, (atNs: bigint) => void>()
  group.onDeath((name, atNs) => detected.get(name)?.(atNs))
  const kills: Kill[] = []
  const spared = new Set<Member>()
  for (let count = 0; count < survivors; count++) spared.add(await group.add())
  while (kills.length < count) {
    const batch = Math.min(atOnce, count - kills.length)
    await Promise.all(Array.from({ length: batch }, () => group.add()))
    for (const member of group.members.filter((one) => !spared.has(one))) {
      await delay(100 + Math.random() * 400)
      kills.push(await kill(group, member, detected))
    }
  }
  return kills
}

async function kill(group: Group, member: Member, detected: Map<string, (atNs: bigint) => void>): Promise<Kill> {
  const { name, pid, ended } = member
  const told = new Promise<bigint>((resolve, reject) => {
    setTimeout(() => reject(new Error(`${name} was killed and not missed in ${patienceMs} ms`)), patienceMs).unref()
    detected.set(name, resolve)
  })
  const watched = new Promise<bigint | null>((resolve) => {
    const watch = watchProcess({ pid }, () => resolve(process.hrtime.bigint()))
    if (watch.status.state !== 'watching') resolve(null)
  })
  group.remove(member)
  const killedNs = process.hrtime.bigint()
  process.kill(pid, 'SIGKILL')
  const [detectedNs, endedNs, watchedNs] = await Promise.all([told, ended, watched])
  detected.delete(name)
  const since = (atNs: bigint): number => Number(atNs - killedNs) / 1e6
  return {
    detectedMs: since(detectedNs),
    kernelMs: since(endedNs),
    watchedMs: watchedNs === null ? null : since(watchedNs),
  }
}
