import type { ChildProcess } from 'node:child_process'
import { endChild, endOf } from '../children.js'
import { connectRedis, startRedis } from '../peers/redis.js'
import { DeathLog } from './death-log.js'
import type { Group, Member } from './group.js'
import { pidOf, startProgram } from './member-program.js'

export const ttlMs = 3_000
export const renewMs = 1_000

/**
 * Opens the usual solution without a detector: each worker renews a key that expires, here in Redis, and an observer
 * subscribes to expiries. The bench's own process observes and is not stalled, because Redis decides about expiry.
 * @throws MissingPeer
 */
export async function openTtlGroup(): Promise<Group> {
  const server = await startRedis()
  const log = new DeathLog()
  const children: ChildProcess[] = []
  const members = new Set<Member>()
  let added = 0
  const admin = await connectRedis(server.port)
  await admin.configSet('notify-keyspace-events', 'Ex')
  const watcher = await connectRedis(server.port)
  await watcher.subscribe('__keyevent@0__:expired', (name) => log.dead(name, process.hrtime.bigint()))
  return {
    get members() {
      return [...members]
    },
    observerPids: [],
    async add() {
      const name = `t${++added}`
      const child = await startProgram('ttl-worker.js', [String(server.port), name, String(ttlMs), String(renewMs)])
      children.push(child)
      const member = {
        name,
        pid: pidOf(child),
        ended: endOf(child),
        block: (blockMs: number) => void child.send({ blockMs }),
      }
      members.add(member)
      return member
    },
    remove: (member) => void members.delete(member),
    onDeath: (listener) => log.onDeath(listener),
    async close() {
      await Promise.all(children.map(endChild))
      await Promise.all([admin.close(), watcher.close()])
      await server.close()
    },
  }
}
