import t from 'tap'
import { newGuid } from '../../src/core/ids.js'
import { pack } from '../../src/wire/encoding/msgpack.js'
import { decodeGossipReply, encodeGossipReply, encodeGossipRequest } from '../../src/wire/gossip.js'
import { decodeHelloReply, encodeHello, encodeHelloReply, type Hello } from '../../src/wire/hello.js'
import { decodeRequest } from '../../src/wire/request.js'

const from = newGuid()
const introduction: Hello = { from, version: 3, knownVersion: 0, hears: false, intervalMs: 2_000 }
const referral = { guid: from, bootId: 'b', networkNamespace: null, endpoints: ['tcp://10.0.0.1:7400'] }

t.test('requests and replies decode to what was encoded', (t) => {
  t.same(decodeRequest(encodeHello(introduction)), { ask: 'introduce', ...introduction })
  const gossip = { from, reads: ['p'], writes: [], after: from }
  t.same(decodeRequest(encodeGossipRequest(gossip)), { ask: 'peers', ...gossip })
  const answer = { from, knows: 3, hears: true }
  t.same(decodeHelloReply(encodeHelloReply(answer)), answer)
  const known = { peers: [referral], more: true }
  t.same(decodeGossipReply(encodeGossipReply(known)), known)
  const many = Array.from({ length: 600 }, (_, n) => `p${n}`)
  t.match(decodeRequest(encodeGossipRequest({ from, reads: many, writes: [] })), { reads: many.slice(0, 512) })
  t.end()
})

t.test('malformed requests and replies are refused', (t) => {
  const requests: Record<string, unknown> = {
    'the question is missing': { ...introduction },
    'the question is unknown': { ask: 'shutdown', ...introduction },
    'the guid is invalid': { ask: 'introduce', ...introduction, from: 'x' },
    'the version is 0': { ask: 'introduce', ...introduction, version: 0 },
    'the interval is 0': { ask: 'introduce', ...introduction, intervalMs: 0 },
    'the interval is too long': { ask: 'introduce', ...introduction, intervalMs: 65_536 },
    'the descriptor is invalid': { ask: 'introduce', ...introduction, descriptor: {} },
    'a partition is too long': { ask: 'peers', from, reads: ['x'.repeat(257)], writes: [] },
    'there are too many partitions': { ask: 'peers', from, reads: [], writes: Array.from({ length: 513 }, () => 'p') },
    'the cursor is invalid': { ask: 'peers', from, reads: [], writes: [], after: 1 },
  }
  for (const [name, request] of Object.entries(requests)) {
    t.throws(() => decodeRequest(pack(request)), { code: 'NUMACAST_MALFORMED' }, name)
  }
  const replies: Record<string, unknown> = {
    'there are too many peers': { peers: Array.from({ length: 65 }, () => referral), more: false },
    'there are too many endpoints': { peers: [{ ...referral, endpoints: Array(17).fill('x') }], more: false },
    'an endpoint is too long': { peers: [{ ...referral, endpoints: ['x'.repeat(257)] }], more: false },
    'a guid is invalid': { peers: [{ ...referral, guid: '' }], more: false },
    'the reply is no map': [],
  }
  for (const [name, reply] of Object.entries(replies)) {
    t.throws(() => decodeGossipReply(pack(reply)), { code: 'NUMACAST_MALFORMED' }, name)
    t.throws(() => decodeHelloReply(pack(reply)), { code: 'NUMACAST_MALFORMED' }, name)
  }
  t.end()
})
