import t from 'tap'
import type { Participant } from '../../src/pubsub/participant.js'
import { Collector } from '../../src/roles/collector/collector.js'
import { IntentIssuer } from '../../src/roles/intents/intent-issuer.js'
import { Scheduler } from '../../src/roles/scheduler/scheduler.js'
import { Worker } from '../../src/roles/worker/worker.js'
import { idleWorker, idleZone } from '../../src/testing/idle-readings.js'
import { MemoryFleet } from '../../src/testing/memory-fleet.js'
import { FleetView } from '../../src/views/fleet-view.js'

t.setTimeout(120_000)

interface Role {
  readonly participant: Participant
  readonly ended: Promise<unknown>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const openReadings = () => ({ read: () => idleZone, close() {} })
const watchProcess = () => ({ close() {} })
const readings = { read: () => idleWorker, close() {} }

/** Starts each role through `memory` with the signal. */
const starts: Record<string, (memory: MemoryFleet, signal?: AbortSignal) => Promise<Role>> = {
  collector: ({ join }, signal) =>
    Collector.start({ numaNode: 0, ...(signal && { signal }) }, { join, openReadings, watchProcess }),
  scheduler: ({ join }, signal) => Scheduler.start({ adopts: false, ...(signal && { signal }) }, { join }),
  worker: ({ join }, signal) =>
    Worker.start({ workerId: 'w', numaNode: 0, ...(signal && { signal }) }, { join, readings }),
}

for (const [name, start] of Object.entries(starts)) {
  t.test(`a ${name} closes and leaves the domain when its signal aborts`, async (t) => {
    const memory = new MemoryFleet()
    const stop = new AbortController()
    const role = await memory.plane.settle(start(memory, stop.signal))
    await memory.clock.advance(2_000)
    stop.abort(new Error('enough'))
    t.equal(await memory.plane.settle(role.ended), undefined)
    await role.participant.ended
    await role.close()
    await memory.close()
  })

  t.test(`a ${name} whose signal has aborted before the start does not join`, async (t) => {
    const memory = new MemoryFleet()
    const joining = { ...memory, join: () => t.fail('it joined') } as unknown as MemoryFleet
    await t.rejects(start(joining, AbortSignal.abort(new Error('enough'))), { message: 'enough' })
    await memory.close()
  })

  t.test(`a ${name} whose signal aborts during the joining leaves the domain again`, async (t) => {
    const memory = new MemoryFleet()
    const stop = new AbortController()
    let left: Promise<unknown> | undefined
    const join: MemoryFleet['join'] = async (...joining) => {
      const participant = await memory.join(...joining)
      left = participant.ended
      stop.abort(new Error('enough'))
      return participant
    }
    const rejected = t.rejects(start({ join } as unknown as MemoryFleet, stop.signal), { message: 'enough' })
    await memory.plane.settle(rejected)
    t.ok(left)
    await left
    await memory.close()
  })

  t.test(`a ${name} is closed at the end of its block`, async (t) => {
    const memory = new MemoryFleet()
    let ended: Promise<unknown> | undefined
    const block = async (): Promise<void> => {
      await using role = await start(memory)
      ended = role.ended
    }
    await memory.plane.settle(block())
    t.ok(ended)
    await ended
    await memory.close()
  })
}

t.test('a collector whose signal aborts while it looks for another one rejects at once', async (t) => {
  const memory = new MemoryFleet()
  const stop = new AbortController()
  let closed = 0
  const openCounted = () => ({ read: () => idleZone, close: () => void closed++ })
  const starting = Collector.start(
    { numaNode: 0, signal: stop.signal },
    { join: memory.join, openReadings: openCounted, watchProcess },
  )
  const rejected = t.rejects(starting, { message: 'enough' })
  await memory.clock.advance(10)
  t.equal(closed, 0, 'it is still starting')
  stop.abort(new Error('enough'))
  await memory.plane.settle(rejected)
  t.equal(closed, 1)
  await memory.close()
})

t.test('a view and an issuer close when their signal aborts, and at the end of their block', async (t) => {
  const memory = new MemoryFleet()
  const participant = await memory.plane.join('operator')
  const stop = new AbortController()
  const { signal } = stop
  const view = FleetView.open(participant, { signal })
  const issuer = new IntentIssuer(view, { issuer: 'ann', signal })
  issuer.apply('drain', 'w', { deadlineMs: null })
  stop.abort(new Error('enough'))
  await Promise.all([view.ended, issuer.ended])
  await t.rejects(view.synced(), { code: 'NUMACAST_CLOSED' })
  t.throws(() => issuer.apply('drain', 'w', { deadlineMs: null }), { code: 'NUMACAST_CLOSED' })
  t.throws(() => issuer.apply('rebalance', 'w', { shards: [] } as never), { code: 'NUMACAST_CLOSED' })
  t.throws(() => FleetView.open(participant, { signal }), { message: 'enough' })
  t.throws(() => new IntentIssuer(view, { issuer: 'ann', signal }), { message: 'enough' })

  const ended: Promise<void>[] = []
  {
    await using second = FleetView.open(participant)
    await using issuing = new IntentIssuer(second, { issuer: 'bob' })
    ended.push(second.ended, issuing.ended)
  }
  await Promise.all(ended)
  await memory.close()
})

t.test('a collector whose participant fails to close closes its readings and has ended', async (t) => {
  const memory = new MemoryFleet()
  let closed = 0
  const join: MemoryFleet['join'] = async (...joining) => {
    const participant = await memory.join(...joining)
    const leave = participant.close.bind(participant)
    participant.close = async () => {
      await leave()
      participant.close = leave
      throw new Error('a broken transport')
    }
    return participant
  }
  const openCounted = () => ({ read: () => idleZone, close: () => void closed++ })
  const starting = Collector.start({ numaNode: 0 }, { join, openReadings: openCounted, watchProcess })
  const collector = await memory.plane.settle(starting)
  await memory.plane.settle(t.rejects(collector.close(), { message: 'a broken transport' }))
  t.equal(closed, 1)
  t.equal(await collector.ended, undefined)
  await memory.close()
})
