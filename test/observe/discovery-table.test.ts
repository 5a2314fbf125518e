import t from 'tap'
import { discoveryLines, inOrder } from '../../src/observe/discovery-table.js'
import type { ParticipantRow, WriterRow } from '../../src/pubsub/model/builtin-topics.js'
import { announcedQos, announcedWriterQos } from '../../src/qos/announced.js'
import { resolveQos } from '../../src/qos/resolve.js'

const guid = 'a'.repeat(32)
const participant: ParticipantRow = {
  guid,
  name: 'w1\u001b[31m',
  host: 'alpha',
  bootId: 'boot',
  pid: 7,
  incarnation: 1,
  properties: {},
  endpoints: ['tcp://127.0.0.1:1', 'tcp://10.0.0.1:1'],
  liveliness: 'unreachable',
  cause: 'host-silent',
  writers: 1,
  readers: 2,
}
const endpoint = {
  guid: `${guid}.1`,
  participant: guid,
  topic: 'state',
  typeHash: '0'.repeat(16),
  partitions: ['p', 'q'],
}
const writer: WriterRow = {
  ...endpoint,
  qos: announcedWriterQos(resolveQos({ deadlineMs: 100 })),
  fields: ['id'],
  lane: 'datagram',
}
const reader = {
  ...endpoint,
  participant: 'b'.repeat(32),
  qos: announcedQos(resolveQos({ reliability: 'best-effort' })),
}

t.test('a domain is printed with its participants and endpoints', (t) => {
  const lines = discoveryLines({
    domain: 3,
    participants: [participant],
    writers: [writer],
    readers: [reader, { ...reader, topic: 'a.topic' }],
  })
  t.equal(lines[0], 'domain 3: 1 participant, 1 writer, 2 readers')
  t.match(lines[3], /^w1\S* +aaaaaaaa +alpha +7 +unreachable \(host-silent\) +1 +2 +tcp:\/\/127\.0\.0\.1:1$/)
  t.notOk(lines.join('\n').includes('\u001b'), 'names are safe for a terminal')
  const endpoints = lines.slice(6)
  t.match(
    endpoints[0],
    /^reads +a\.topic +p, q +bbbbbbbb +bbbbbbbb +best-effort$/,
    'by topic; of an unknown participant',
  )
  t.match(
    endpoints[1],
    /^writes +state +p, q +w1\S* +aaaaaaaa +deadlineMs 100$/,
    'only QoS that differs from the default',
  )
  t.match(endpoints[2], /^reads +state /)
  t.end()
})

t.test('a domain without endpoints has no endpoint table', (t) => {
  t.equal(discoveryLines({ domain: 0, participants: [participant], writers: [], readers: [] }).length, 4)
  t.end()
})

t.test('default QoS is one word; verbose output lists every policy', (t) => {
  const plain = { ...endpoint, qos: announcedQos(resolveQos({})) }
  const document = { domain: 0, participants: [], writers: [writer], readers: [plain] }
  t.match(discoveryLines(document).at(-1), / aaaaaaaa +defaults$/)
  const verbose = discoveryLines(document, { verbose: true })
  t.match(verbose.at(-1), /^reads .* reliable, transient-local, automatic, shared, by-reception$/)
  t.match(verbose.at(-2), /^writes .* reliable, transient-local, deadlineMs 100, .*, autodispose false$/)
  t.end()
})

t.test('the order does not depend on the order of replies', (t) => {
  const named = (name: string, host: string, pid: number, letter: string): ParticipantRow => ({
    ...participant,
    guid: letter.repeat(32),
    name,
    host,
    pid,
  })
  const participants = [
    named('a', 'alpha', 9, 'f'),
    named('a', 'alpha', 10, 'e'),
    named('a', 'beta', 1, 'd'),
    named('b', 'alpha', 1, 'c'),
  ]
  const readers = participants.map(({ guid }) => ({ ...reader, guid: `${guid}.1`, participant: guid }))
  const forth = { domain: 0, participants, writers: [writer, { ...writer, topic: 'z' }], readers }
  const back = {
    domain: 0,
    participants: participants.toReversed(),
    writers: forth.writers.toReversed(),
    readers: readers.toReversed(),
  }
  t.strictSame(inOrder(back), forth)
  t.strictSame(inOrder(forth), forth)
  t.strictSame(discoveryLines(back), discoveryLines(forth))
  t.end()
})
