import type { ChildProcess } from 'node:child_process'
import { lockDomain } from '../../test/support/domain-lock.js'
import { endChild, endOf } from '../children.js'
import { DeathLog } from './death-log.js'
import type { Group, Member } from './group.js'
import { pidOf, startProgram } from './member-program.js'

/** Opens a group of workers with their defaults that hold `heldBytes`. A collector watches them and reports to a scheduler. */
export async function openNumacastGroup(heldBytes = 0): Promise<Group> {
  const { domain, release } = await lockDomain()
  const log = new DeathLog()
  const children: ChildProcess[] = []
  const members = new Set<Member>()
  let added = 0
  const start = async (file: string, ...args: string[]): Promise<ChildProcess> => {
    const child = await startProgram(file, [String(domain), ...args], (report) => {
      if (report.kind === 'alive') log.alive(report.name)
      else if (report.kind === 'dead') log.dead(report.name, report.atNs)
    })
    children.push(child)
    return child
  }
  const collector = await start('numacast-collector.js')
  const scheduler = await start('numacast-scheduler.js')
  return {
    get members() {
      return [...members]
    },
    observerPids: [pidOf(collector), pidOf(scheduler)],
    async add() {
      const name = `w${++added}`
      const child = await start('numacast-worker.js', name, String(heldBytes))
      await log.seenAlive(name)
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
      await release()
    },
  }
}
