import t from 'tap'
import type { Participant } from '../../src/pubsub/participant.js'
import { Collector } from '../../src/roles/collector/collector.js'
import { openFleet } from '../../src/roles/fleet/fleet.js'
import { Scheduler } from '../../src/roles/scheduler/scheduler.js'
import { Worker } from '../../src/roles/worker/worker.js'
import { idleWorker, idleZone } from '../../src/testing/idle-readings.js'
import { MemoryFleet } from '../../src/testing/memory-fleet.js'

t.setTimeout(120_000)

const aWhileMs = 4_000

interface Closable {
  close(): unknown
}

/** Makes the parts that are opened through a participant throw when they are closed, after they have closed. */
class BrokenClosers {
  /** Parts that are open. */
  readonly open = new Set<string>()
  /** Whether parts throw. */
  areBroken = false
  #opened = 0

  breakPartsOf(participant: Participant): Participant {
    for (const method of ['reader', 'writer', 'relay', 'onPeer', 'onHealth'] as const) {
      const opens = participant[method].bind(participant) as (...args: unknown[]) => Closable
      Object.assign(participant, {
        [method]: (...args: unknown[]) => this.breakPart(`${method} ${nameOf(args[0])}`, opens(...args)),
      })
    }
    return participant
  }

  breakPart<P extends Closable>(name: string, part: P): P {
    const label = `${name} #${++this.#opened}`
    const close = part.close.bind(part)
    this.open.add(label)
    part.close = () => {
      close()
      this.open.delete(label)
      if (this.areBroken) throw new Error(`${label} failed to close`)
    }
    return part
  }
}

function nameOf(opened: unknown): string {
  return typeof opened === 'object' && opened !== null && 'name' in opened ? String(opened.name) : ''
}

type Start = (participant: Participant, broken: BrokenClosers) => Promise<{ close(): Promise<void> }>
const roles: Record<string, Start> = {
  worker: (participant, broken) => {
    const readings = broken.breakPart('readings', { read: () => idleWorker, close() {} })
    return Worker.start({ workerId: 'broken', numaNode: 0 }, { participant, readings })
  },
  collector: (participant, broken) => {
    const openReadings = () => broken.breakPart('readings', { read: () => idleZone, close() {} })
    return Collector.start({ numaNode: 1 }, { participant, openReadings })
  },
  scheduler: (participant, broken) => {
    const openReadings = () => broken.breakPart('readings', { read: () => idleZone, close() {} })
    return Scheduler.start({}, { participant, openReadings })
  },
  fleet: (participant) => openFleet({}, { participant }),
}

for (const [name, start] of Object.entries(roles)) {
  t.test(`a ${name} closes every part although each of them throws`, async (t) => {
    const fleet = new MemoryFleet()
    await fleet.collector()
    await fleet.worker('w')
    // Of a node without a collector, which a collector or a scheduler adopts.
    await fleet.worker('unserved', { numaNode: 2 })
    const broken = new BrokenClosers()
    // The role borrows its participant, so that nothing else closes what it has opened.
    const participant = broken.breakPartsOf(await fleet.join({ name }))
    const role = await fleet.plane.settle(start(participant, broken))
    await fleet.clock.advance(aWhileMs)
    t.ok(broken.open.size > 5, `${broken.open.size} parts`)
    broken.areBroken = true
    await t.rejects(fleet.plane.settle(role.close()), /failed to close/)
    t.strictSame([...broken.open], [])
    broken.areBroken = false
    await fleet.close()
    t.equal(fleet.clock.pendingTimers, 0)
  })
}
