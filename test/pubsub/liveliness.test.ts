import t from 'tap'
import { seededRandom } from '../../src/core/random.js'
import type { HealthEvent, PeerEvent } from '../../src/pubsub/model/events.js'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import type { Participant } from '../../src/pubsub/participant.js'
import { BlockableLoop } from '../../src/testing/blockable-loop.js'
import { openPlane } from '../support/open-plane.js'

/** Participants that watch each other: verdicts, the observer's own health, and the events about both. */

const topic = defineTopic<{ id: string }>({ name: 'state', key: 'id', fields: ['id'] })

function story(participant: Participant): string[] {
  const told: string[] = []
  participant.onPeer(({ kind, peer }: PeerEvent) => {
    const { liveliness, cause, evidence } = peer.verdict
    if (kind === 'liveliness-changed' || kind === 'left')
      told.push([kind, peer.name, liveliness, cause, evidence].filter((part) => part !== null).join(' '))
  })
  return told
}

t.test('an observer blocked for 1, 5 and 10 s, with a third of the datagrams lost declares no peer dead', async (t) => {
  for (const seed of [1, 2, 3]) {
    await t.test(`seed ${seed}`, async (t) => {
      const plane = openPlane(t, seed)
      const random = seededRandom(seed)
      plane.network.setFaults({ lossRatio: 0.3, minDelayMs: 0, maxDelayMs: 5 })
      const loop = new BlockableLoop(plane.clock, random)
      const observer = await plane.join('observer', {}, {}, loop)
      const told = story(observer)
      const health: string[] = []
      observer.onHealth(({ kind, health: { reason } }: HealthEvent) => health.push(`${kind} ${reason}`))
      observer.reader(topic)
      const peers = await Promise.all(Array.from({ length: 50 }, (_, n) => plane.join(`peer ${n}`)))
      for (const peer of peers) peer.writer(topic)
      await plane.clock.advance(2_000)
      t.equal(observer.peers().length, 50)
      for (const forMs of [1_000, 5_000, 10_000]) {
        await plane.clock.advance(500 + 2_000 * random())
        loop.block(forMs)
        await plane.clock.advance(forMs + 3_000)
      }
      t.same(
        told.filter((line) => !/ (suspect lease|alive beacon)$/.test(line)),
        [],
      )
      t.equal(observer.peers().length, 50)
      t.ok(health.includes('degraded loop-late'))
      await plane.clock.advance(5_000)
      t.equal(health.at(-1), 'recovered null')
      t.match(observer.health, { score: 0, degraded: false })

      plane.network.disconnect('peer 7')
      // Three of the slowest beacon intervals, the question, and a check.
      await plane.clock.advance(3 * 2_000 + 1_000 + 500)
      t.ok(told.includes('left peer 7 dead lease-expired lease'), 'a peer that is gone is detected')
    })
  }
})

t.test('a wall clock step changes no verdict', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const told = story(b)
  a.writer(topic)
  b.reader(topic)
  await plane.clock.advance(1_000)
  for (const byMs of [3_600_000, -7_200_000, 86_400_000]) {
    plane.clock.stepWall(byMs)
    await plane.clock.advance(10_000)
  }
  t.same(told, [])
  t.match(b.peer(a.guid)?.verdict, { liveliness: 'alive', sinceMs: b.peer(a.guid)?.verdict.reliableFromMs ?? -1 })
})

t.test('a peer whose datagrams are lost stays alive by its answers', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const told = story(b)
  a.writer(topic)
  b.reader(topic)
  await plane.clock.advance(1_000)
  plane.network.setLinkFaults('a', 'b', { lossRatio: 1 })
  await plane.clock.advance(60_000)
  t.same(told, [], 'it is asked before it is overdue')
  plane.network.setLinkFaults('a', 'b', undefined)
  await plane.clock.advance(5_000)
  t.same(told, [])
  t.equal(a.health.score, 0)
})

t.test('when most peers fall silent at once, the observer reports itself degraded', async (t) => {
  const plane = openPlane(t)
  const b = await plane.join('b')
  const told = story(b)
  const health: HealthEvent[] = []
  b.onHealth((event) => health.push(event))
  b.reader(topic)
  const peers = await Promise.all(Array.from({ length: 5 }, (_, n) => plane.join(`${n}`)))
  for (const peer of peers) peer.writer(topic)
  await plane.clock.advance(1_000)
  plane.network.disconnect('b')
  await plane.clock.advance(60_000)
  t.match(health, [
    { kind: 'degraded', health: { degraded: true, reason: 'most-peers-late' }, before: { reason: null } },
  ])
  t.match(b.health, { reason: 'most-peers-late', sinceMs: health[0]?.health.sinceMs ?? -1 })
  t.same(
    peers.map(({ guid }) => b.peer(guid)?.verdict.liveliness),
    Array(5).fill('suspect'),
  )
  plane.network.reconnect('b')
  await plane.clock.advance(2_000)
  t.match(health, [{}, { kind: 'recovered', health: { degraded: false, reason: null } }])
  t.same(
    told.filter((line) => / dead /.test(line)),
    [],
  )
  // One silent peer of five is no reason to.
  plane.network.disconnect('3')
  await plane.clock.advance(8_000)
  t.equal(told.at(-1), 'left 3 dead lease-expired lease')
})

t.test('when most of a fleet is really gone, it is declared dead once other peers are received', async (t) => {
  const plane = openPlane(t)
  const b = await plane.join('b')
  const told = story(b)
  b.reader(topic)
  const peers = await Promise.all(Array.from({ length: 6 }, (_, n) => plane.join(`${n}`)))
  for (const peer of peers) peer.writer(topic)
  await plane.clock.advance(1_000)
  for (const name of ['0', '1', '2', '3']) plane.network.disconnect(name)
  await plane.clock.advance(20_000)
  t.same(
    told.filter((line) => / dead /.test(line)),
    [],
  )
  await plane.clock.advance(15_000)
  t.equal(told.filter((line) => /^left . dead lease-expired lease$/.test(line)).length, 4)
  t.match(b.health, { degraded: false })
})

t.test('a silent host is unreachable, and a silent process of a live host is dead', async (t) => {
  const plane = openPlane(t)
  const b = await plane.join('b')
  const told = story(b)
  b.reader(topic)
  const far = { bootId: 'far', host: 'far' }
  const names = ['f0', 'f1', 'f2', 'f3', 'f4']
  for (const name of names) (await plane.join(name, {}, far)).writer(topic)
  ;(await plane.join('near')).writer(topic)
  await plane.clock.advance(1_000)
  plane.network.disconnect('f0')
  await plane.clock.advance(5_000)
  t.equal(told.at(-1), 'liveliness-changed f0 unreachable lease-expired lease', 'other peers of its host are alive')
  for (const name of names) plane.network.disconnect(name)
  await plane.clock.advance(5_000)
  t.same(told.filter((line) => / unreachable host-silent lease$/.test(line)).length, 4)
  t.match(b.health, { degraded: false }, 'one host of two is no majority')
  plane.network.heal()
  await plane.clock.advance(2_000)
  const nowMs = plane.clock.nowMs()
  const returned = b.peers().filter(({ verdict }) => verdict.liveliness === 'alive')
  t.equal(returned.length, 6)
  t.same(
    returned.filter(({ verdict }) => (verdict.reliableFromMs ?? 0) > nowMs + 25_000).map(({ name }) => name),
    names,
    'peers that were away are on probation',
  )
})

t.test('every change includes the previous verdict', async (t) => {
  const plane = openPlane(t)
  const b = await plane.join('b')
  const steps = new Map<string, string[]>()
  b.onPeer((event) => {
    if (event.kind !== 'liveliness-changed') return
    const { before, peer } = event
    const [from, to] = [before, peer.verdict].map(({ liveliness, cause }) => cause ?? liveliness)
    steps.set(peer.name, [...(steps.get(peer.name) ?? []), `${from} → ${to}`])
    t.ok(before.sinceMs < peer.verdict.sinceMs, `${peer.name} was ${from} for some time`)
  })
  b.reader(topic)
  for (const [name, identity] of [
    ['near', {}],
    ['far', { bootId: 'far' }],
    ['well', {}],
    ['very well', {}],
  ] as const) {
    ;(await plane.join(name, {}, identity)).writer(topic)
  }
  await plane.clock.advance(1_000)
  plane.probes.set('near', 'stopped')
  for (const name of ['near', 'far']) plane.network.disconnect(name)
  await plane.clock.advance(5_000)
  plane.network.heal()
  await plane.clock.advance(5_000)
  plane.probes.set('near', 'gone')
  plane.network.disconnect('near')
  await plane.clock.advance(5_000)
  t.strictSame(Object.fromEntries(steps), {
    near: ['alive → stopped', 'stopped → alive', 'alive → exited'],
    far: ['alive → suspect', 'suspect → host-silent', 'host-silent → alive'],
  })
})

t.test('options set when an absence counts as death and how long probation lasts', async (t) => {
  const plane = openPlane(t)
  const a = await plane.join('a', {}, { bootId: 'far' })
  const b = await plane.join('b', {
    unreachableDeadAfterMs: 10_000,
    probationMs: 1_000,
    leaseMs: 2_000,
    forgetUnreachableMs: 5_000,
  })
  const told = story(b)
  a.writer(topic)
  b.reader(topic)
  await plane.clock.advance(1_000)
  plane.network.disconnect('a')
  await plane.clock.advance(11_000)
  t.same(told.slice(1), ['liveliness-changed a unreachable host-silent lease'])
  await plane.clock.advance(2_000)
  t.same(told.slice(2), ['liveliness-changed a dead host-silent lease', 'left a dead host-silent lease'])
  plane.network.reconnect('a')
  await plane.clock.advance(1_000)
  const peer = b.peer(a.guid)
  t.match(peer?.verdict, { liveliness: 'alive' }, 'it was alive all the time and comes back')
  t.equal((peer?.verdict.reliableFromMs ?? 0) - (peer?.verdict.sinceMs ?? 0), 1_000, 'on probation')
  for (const options of [
    { probationMs: -1 },
    { unreachableDeadAfterMs: 0 },
    { leaseMs: 900 },
    { phi: { threshold: -1 } },
  ]) {
    await t.rejects(plane.join('c', options), { code: 'NUMACAST_INVALID_ARGUMENT' }, JSON.stringify(options))
    await plane.network.open('unused').close()
  }
})

t.test('the kernel is queried only about silent processes of this host', async (t) => {
  const plane = openPlane(t)
  const b = await plane.join('b')
  const told = story(b)
  b.reader(topic)
  for (const [name, identity] of [
    ['busy', {}],
    ['stopped', {}],
    ['asleep', {}],
    ['netns', { networkNamespace: 2 }],
    ['killed', {}],
    ['far', { bootId: 'far' }],
    ['well', {}],
    ['very well', {}],
  ] as const) {
    ;(await plane.join(name, {}, identity)).writer(topic)
  }
  await plane.clock.advance(1_000)
  plane.probes.set('busy', 'running')
  plane.probes.set('stopped', 'stopped')
  plane.probes.set('asleep', 'sleeping')
  plane.probes.set('netns', 'sleeping')
  plane.probes.set('far', 'gone')
  plane.probes.set('killed', { state: 'gone', cpuTimeMs: null, end: { cause: 'killed', detail: 'SIGBUS' } })
  for (const name of ['busy', 'stopped', 'asleep', 'netns', 'killed', 'far']) plane.network.disconnect(name)
  await plane.clock.advance(10_000)
  t.same([...new Set(told)].filter((line) => !/suspect/.test(line)).sort(), [
    'left killed dead killed kernel',
    'liveliness-changed asleep stalled loop-busy kernel',
    'liveliness-changed busy stalled loop-busy kernel',
    'liveliness-changed far unreachable host-silent lease',
    'liveliness-changed killed dead killed kernel',
    'liveliness-changed netns unreachable host-silent kernel',
    'liveliness-changed stopped stalled stopped kernel',
  ])
})

t.test('a late loop that makes progress is not reported as stalled', async (t) => {
  const plane = openPlane(t)
  const loop = new BlockableLoop(plane.clock, seededRandom(1))
  const a = await plane.join('a', { beaconIntervalMs: 1_000 }, {}, loop)
  const b = await plane.join('b')
  const told = story(b)
  a.writer(topic)
  b.reader(topic)
  await plane.clock.advance(1_000)
  for (const works of [true, false]) {
    for (let turn = 0; turn < 4; turn++) {
      loop.block(1_300)
      await plane.clock.advance(1_299)
      if (works) a.reportProgress()
      await plane.clock.advance(300)
    }
    t.ok((b.peer(a.guid)?.loopDelayMs ?? 0) >= 1_000)
    t.same(told, works ? [] : ['liveliness-changed a stalled loop-busy beacon'])
  }
  t.match(b.peer(a.guid), { progress: 4 })
  t.ok((b.peer(a.guid)?.progressedMs ?? 0) > 1_000)
  for (const bad of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.throws(() => a.reportProgress(bad), { code: 'NUMACAST_INVALID_ARGUMENT' }, `${bad}`)
  }
})

t.test('a storm of verdicts is reported in few calls, one crash in one turn', async (t) => {
  const plane = openPlane(t)
  const b = await plane.join('b')
  b.reader(topic)
  const peers = await Promise.all(Array.from({ length: 60 }, (_, n) => plane.join(`${n}`)))
  for (const peer of peers) peer.writer(topic)
  await plane.clock.advance(2_000)
  const batches: (readonly PeerEvent[])[] = []
  const listening = b.onPeers((events) => batches.push(events))
  const kill = (n: number): void =>
    b.reportProcess(peers[n]?.guid ?? b.guid, { liveliness: 'dead', cause: 'killed', detail: 'SIGKILL' })
  kill(0)
  t.equal(batches.length, 0, 'not within the call')
  await plane.clock.advance(0)
  t.same(
    batches.splice(0).map((events) => events.map(({ kind }) => kind)),
    [['liveliness-changed', 'left']],
  )
  for (let n = 1; n < 60; n++) {
    kill(n)
    await plane.clock.advance(1)
  }
  await plane.clock.advance(20)
  t.ok(batches.length <= 5, `${batches.length} calls`)
  t.equal(batches.flat().length, 2 * 59, 'nothing is left out')
  t.same(
    batches.flat().flatMap(({ kind, peer }) => (kind === 'left' ? [peer.name] : [])),
    Array.from({ length: 59 }, (_, n) => `${n + 1}`),
    'nothing is reported out of order',
  )
  listening.close()
})

t.test('a failing probe counts as a kernel without an answer', async (t) => {
  const plane = openPlane(t)
  const a = await plane.join('a')
  const b = await plane.join('b')
  const told = story(b)
  a.writer(topic)
  b.reader(topic)
  await plane.clock.advance(1_000)
  plane.probes.get = () => {
    throw new Error('no /proc today')
  }
  plane.network.disconnect('a')
  await plane.clock.advance(8_000)
  t.equal(told.at(-1), 'left a dead lease-expired lease')
  t.ok(b.counters.get('peer.probe-failed') > 0)
})

t.test('a hung peer that writes and reads is detected by its beacons, not by its less frequent presence', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  for (const participant of [a, b]) {
    participant.writer(topic)
    participant.reader(topic)
  }
  await plane.clock.advance(5_000)
  for (let offsetMs = 0; offsetMs < 2_000; offsetMs += 400) {
    await plane.clock.advance(offsetMs)
    plane.probes.set('a', 'stopped')
    plane.network.disconnect('a')
    await plane.clock.advance(2_250)
    t.match(b.peer(a.guid)?.verdict, { liveliness: 'stalled', cause: 'stopped', evidence: 'kernel' })
    plane.probes.delete('a')
    plane.network.reconnect('a')
    await plane.clock.advance(5_000)
    t.match(b.peer(a.guid)?.verdict, { liveliness: 'alive' })
  }
})
