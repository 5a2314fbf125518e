/**
 * A program of the tests between hosts: a participant that writes its own instances and reads those of all members.
 *
 *     member <domain> <name> <instances> [range] [listed peer,…]
 *
 * Commands on stdin, one answer each on stdout:
 *
 *     write <n>     n further changes over its instances, one every 5 ms   →  wrote
 *     state         →  state {…}: {@link MemberState}
 */
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../../src/core/time/clock.js'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import { joinDomain } from '../../src/pubsub/participant.js'
import type { Range } from '../../src/transport/lane/range.js'
import { openTransport } from '../../src/transport/open.js'
import { StreamReach } from '../../src/transport/transport-options.js'

export interface MemberState {
  /** What it holds, by key. */
  readonly held: Record<string, number>
  /** What it wrote itself. */
  readonly own: Record<string, number>
  /** Tokens that arrived twice or out of order. */
  readonly violations: readonly string[]
  /** Every liveliness that a peer ever had, by name. */
  readonly seen: Record<string, string[]>
  /** The liveliness of each peer now, by name. */
  readonly peers: Record<string, string>
  /** Whether each peer receives from this member, by name. Null until the peer reports it. */
  readonly receivesFromUs: Record<string, boolean | null>
  /** Connections for live frames that it has dialled. */
  readonly liveConnections: number
  /** Counters of the participant and of both its lanes. */
  readonly counters: Record<string, number>
  readonly endpoints: readonly string[]
}

const [domain, name = '', instances, range = 'subnet', listed = ''] = process.argv.slice(2)
const peers = listed === '' ? [] : listed.split(',')
const topic = defineTopic<{ id: string; n: number }>({ name: 'state', key: 'id', fields: ['id', 'n'] })
const transport = await openTransport({
  domain: Number(domain),
  clock: systemClock,
  range: range as Range,
  streamReach: range === 'localhost' && listed === '' ? StreamReach.host : StreamReach.network,
  insecure: true,
})
const options = { domain: Number(domain), name, range: range as Range, insecure: true, peers }
const participant = await joinDomain(options, { transport })
const writer = participant.writer(topic)
const reader = participant.reader(topic)

const violations: string[] = []
const lastSeqs = new Map<string, number>()
reader.onSample(({ key, token }) => {
  const id = `${token.writer} ${key}`
  const before = lastSeqs.get(id) ?? 0
  if (token.seq <= before) violations.push(`${key}: ${token.seq} after ${before}`)
  lastSeqs.set(id, token.seq)
})

const seen = new Map<string, Set<string>>()
participant.onPeer(({ peer }) => {
  const states = seen.get(peer.name) ?? new Set()
  seen.set(peer.name, states.add(peer.verdict.liveliness))
})

const own = new Map<string, number>()
let changes = 0
function change(): void {
  const id = `${name}-${changes % Number(instances)}`
  own.set(id, ++changes)
  writer.write({ id, n: changes })
}
for (let index = 0; index < Number(instances); index++) change()

function state(): MemberState {
  return {
    held: Object.fromEntries([...reader.entries()].flatMap(([key, { value }]) => (value ? [[key, value.n]] : []))),
    own: Object.fromEntries(own),
    violations,
    seen: Object.fromEntries([...seen].map(([peer, states]) => [peer, [...states]])),
    peers: Object.fromEntries(participant.peers().map((peer) => [peer.name, peer.verdict.liveliness])),
    receivesFromUs: Object.fromEntries(participant.peers().map((peer) => [peer.name, peer.receivesFromUs])),
    liveConnections: transport.stream.connections.live,
    counters: {
      ...participant.counters.snapshot(),
      ...transport.datagram.counters.snapshot(),
      ...transport.stream.counters.snapshot(),
    },
    endpoints: transport.stream.requestEndpoints,
  }
}

await participant.ready()
console.log('ready')
for await (const line of createInterface({ input: process.stdin })) {
  const [command, argument] = line.split(' ')
  if (command === 'write') {
    for (let left = Number(argument); left > 0; left--) {
      change()
      await delay(5)
    }
    console.log('wrote')
  } else if (command === 'state') {
    console.log(`state ${JSON.stringify(state())}`)
  }
}
await participant.close()
