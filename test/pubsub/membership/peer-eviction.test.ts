import t from 'tap'
import type { Guid } from '../../../src/core/ids.js'
import { Counters } from '../../../src/core/reporting/counters.js'
import { resolveLivelinessOptions } from '../../../src/liveliness/liveliness-options.js'
import { Liveliness, LivelinessCause, VerdictEvidence } from '../../../src/liveliness/verdict.js'
import type { PeerDirectory } from '../../../src/pubsub/membership/peer-directory.js'
import { PeerEviction } from '../../../src/pubsub/membership/peer-eviction.js'
import type { FailureDetector } from '../../../src/pubsub/peer/failure-detector.js'
import { PeerRegistry } from '../../../src/pubsub/peer/peer-registry.js'
import type { RemotePeer } from '../../../src/pubsub/peer/remote-peer.js'

const suspect = {
  liveliness: Liveliness.suspect,
  cause: LivelinessCause.leaseExpired,
  detail: null,
  evidence: VerdictEvidence.lease,
}

t.test('a peer that has left made room for a newcomer: no silent peer is evicted for it', (t) => {
  const counters = new Counters()
  const liveliness = resolveLivelinessOptions({}, 500)
  const peers = new PeerRegistry({ counters, random: () => 0.5, liveliness, maxPeers: 3 })
  const add = (guid: string): RemotePeer | undefined =>
    peers.add({ guid: guid as Guid, incarnation: 1, version: 1, intervalMs: 500 }, 0)
  const [a, b, c] = [add('a'), add('b'), add('c')]
  for (const silent of [a, b]) silent?.monitor.fact(suspect, 1_000)
  const dropped: string[] = []
  const directory = {
    drop(peer: RemotePeer): void {
      dropped.push(peer.guid)
      peers.delete(peer)
    },
  } as unknown as PeerDirectory
  const detector = { applyFinding: () => undefined } as unknown as FailureDetector
  const eviction = new PeerEviction({ counters, peers, directory, detector })

  t.equal(add('x'), undefined)
  if (c !== undefined) peers.delete(c)
  eviction.run(100_000)
  t.strictSame(dropped, [])
  t.ok(add('x'))
  t.equal(add('y'), undefined)
  eviction.run(100_000)
  t.strictSame(dropped, ['a'])
  t.equal(counters.get('peer.evicted'), 1)
  t.end()
})
