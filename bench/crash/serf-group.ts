import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { endChild, endOf, spawnChild } from '../children.js'
import { findProgram } from '../peers/server-process.js'
import { DeathLog } from './death-log.js'
import type { Group, Member } from './group.js'
import { pidOf } from './member-program.js'

export type SerfProfile = 'lan' | 'local'

/**
 * Opens Serf agents on loopback with the settings of one of its profiles. The first one observes: its log lines about the
 * others count, when they arrive.
 * @throws MissingPeer
 */
export async function openSerfGroup(profile: SerfProfile): Promise<Group> {
  const program = findProgram('serf')
  const folder = mkdtempSync(path.join(os.tmpdir(), 'numacast-bench-serf-'))
  const log = new DeathLog()
  const children: ChildProcess[] = []
  const members = new Set<Member>()
  let added = 0
  let meetingPoint: string | undefined

  const start = async (name: string): Promise<ChildProcess> => {
    const [bind, rpc] = await freePorts(2)
    const args = ['agent', `-node=${name}`, `-bind=127.0.0.1:${bind}`, `-rpc-addr=127.0.0.1:${rpc}`]
    const join = meetingPoint === undefined ? [] : [`-retry-join=${meetingPoint}`, '-retry-interval=1s']
    const child = spawnChild(program, [...args, `-profile=${profile}`, ...join], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    children.push(child)
    meetingPoint ??= `127.0.0.1:${bind}`
    return child
  }
  const watcher = await start('watcher')
  if (watcher.stdout !== null) {
    createInterface(watcher.stdout).on('line', (line) => {
      const atNs = process.hrtime.bigint()
      const [, event, name] = /serf: EventMember(Join|Failed): (\S+)/.exec(line) ?? []
      if (name === undefined) return
      if (event === 'Join') log.alive(name)
      else log.dead(name, atNs)
    })
  }
  await log.seenAlive('watcher')
  return {
    get members() {
      return [...members]
    },
    observerPids: [pidOf(watcher)],
    async add() {
      const name = `m${++added}`
      const child = await start(name)
      child.stdout?.resume()
      await log.seenAlive(name)
      const member = { name, pid: pidOf(child), ended: endOf(child) }
      members.add(member)
      return member
    },
    remove: (member) => void members.delete(member),
    onDeath: (listener) => log.onDeath(listener),
    async close() {
      // SIGTERM would make each agent inform the others first.
      for (const child of children) child.kill('SIGKILL')
      await Promise.all(children.map(endChild))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Free now, for TCP; Serf takes the same number for UDP. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject)
          server.listen(0, '127.0.0.1', () => {
            const address = server.address()
            if (typeof address === 'object' && address !== null) resolve(address.port)
            else reject(new Error('no free port'))
          })
        }),
    ),
  )
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))))
  return ports
}
