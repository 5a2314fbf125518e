import t from 'tap'
import type { EntityId, Guid } from '../../../src/core/ids.js'
import { SyncWaiters } from '../../../src/pubsub/catchup/sync-waiters.js'
import type { PeerRegistry } from '../../../src/pubsub/peer/peer-registry.js'
import type { RemotePeer } from '../../../src/pubsub/peer/remote-peer.js'
import { FakeClock } from '../../../src/testing/fake-clock.js'

/** Peers that count their checks. A check begins by reading the verdict. */
class Peers {
  readonly held = new Map<Guid, RemotePeer>()
  checks = 0
  readonly #described = new Set<string>()

  add(name: string): RemotePeer {
    const peers = this
    const peer = {
      guid: name as Guid,
      get monitor() {
        peers.checks++
        return { verdict: { liveliness: 'alive' } }
      },
      reachability: { isBeaconing: true },
      get descriptor() {
        return peers.#described.has(name) ? { version: 1 } : undefined
      },
      announcedVersion: 1,
      matches: new Map(),
    } as unknown as RemotePeer
    this.held.set(peer.guid, peer)
    return peer
  }

  describe({ guid }: RemotePeer): void {
    this.#described.add(guid)
  }
}

function waitersOf(peers: Peers): SyncWaiters {
  return new SyncWaiters(new FakeClock(), peers.held as unknown as PeerRegistry)
}

t.test('many waits for many peers: progress of one peer costs one check per wait', async (t) => {
  const peers = new Peers()
  const waiters = waitersOf(peers)
  const count = 200
  const all = Array.from({ length: count }, (_, n) => peers.add(`p${n}`))
  const waits = all.map((_, n) => waiters.wait((n + 1) as EntityId, -1_000, undefined))
  peers.checks = 0
  for (const peer of all) {
    peers.describe(peer)
    waiters.progressed(peer)
  }
  await Promise.all(waits)
  t.equal(waiters.size, 0)
  t.ok(peers.checks <= 3 * count * count, `${peers.checks} checks, for ${count} waits and ${count} peers`)
})

t.test('a wait no longer includes a peer that has left', async (t) => {
  const peers = new Peers()
  const waiters = waitersOf(peers)
  const [gone, there] = [peers.add('gone'), peers.add('there')]
  const wait = waiters.wait(1 as EntityId, -1_000, undefined)
  peers.describe(there)
  waiters.progressed(there)
  t.equal(waiters.size, 1)
  peers.held.delete(gone.guid)
  waiters.progressed(gone)
  await wait
})

t.test('a wait whose signal has aborted is dropped by the next sweep', async (t) => {
  const peers = new Peers()
  const waiters = waitersOf(peers)
  peers.add('silent')
  const controller = new AbortController()
  void waiters.wait(1 as EntityId, -1_000, controller.signal)
  waiters.removeAborted()
  t.equal(waiters.size, 1)
  controller.abort()
  waiters.removeAborted()
  t.equal(waiters.size, 0)
})
