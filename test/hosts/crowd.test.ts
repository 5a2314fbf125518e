import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import { joinDomain } from '../../src/pubsub/participant.js'
import { eventually } from '../../src/testing/eventually.js'
import { claimDomain } from '../support/domain-lock.js'

/**
 * More participants on one host than DDS has participant ids (120 per domain, DDSI-RTPS 2.5, 9.6.2.3). numacast has no
 * such ids. `NUMACAST_CROWD_PROCESSES=150` runs each in its own process, which is too heavy for every run.
 */
const crowd = 150
const processes = Number(process.env.NUMACAST_CROWD_PROCESSES ?? 5)

t.test(`${crowd} participants in ${processes} processes discover each other and leave with a goodbye`, async (t) => {
  const domain = await claimDomain(t)
  const topic = defineTopic<{ id: string; pid: number }>({ name: 'crowd', key: 'id', fields: ['id', 'pid'] })
  const observer = await joinDomain({ domain, name: 'observer' })
  t.teardown(() => observer.close())
  // A dead peer is removed: only the event reports it.
  const found: string[] = []
  observer.onPeer(({ kind, peer: { name, verdict } }) => {
    if (kind === 'liveliness-changed' || kind === 'left') found.push(`${kind} ${name} ${verdict.cause}`)
  })
  const reader = observer.reader(topic)
  const script = fileURLToPath(new URL('./crowd-process.js', import.meta.url))
  const children: ChildProcess[] = []
  t.teardown(() => {
    for (const child of children) child.kill('SIGKILL')
  })
  const exits: Promise<unknown>[] = []
  // Started in batches: the test is about their number, not about how fast a machine starts them.
  for (let started = 0; started < processes; started += 10) {
    const batch = Array.from({ length: Math.min(10, processes - started) }, (_, index) =>
      spawn(process.execPath, [script, String(domain), String(crowd / processes), `p${started + index}`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    )
    children.push(...batch)
    exits.push(...batch.map((child) => once(child, 'exit')))
    await Promise.all(batch.map((child) => once(child.stdout ?? child, 'data')))
  }
  await eventually('every participant is known, with its value', () => {
    return observer.peers().length === crowd && reader.size === crowd
  })
  const values = [...reader.entries()].map(([, { value }]) => value?.pid)
  t.equal(new Set(values).size, processes)
  t.strictSame(
    found.filter(
      (event) => !event.startsWith('liveliness-changed') || / (exited|killed|goodbye|lease-expired)$/.test(event),
    ),
    [],
    'no peer is declared dead or forgotten while all run',
  )
  t.notOk(observer.counters.get('frame.rejected.foreign-source'))
  for (const child of children) child.kill('SIGTERM')
  t.same(
    await Promise.all(exits),
    children.map(() => [0, null]),
  )
  await eventually('all have left', () => observer.peers().length === 0)
  await eventually(
    'each departure is reported',
    () => found.filter((event) => event.startsWith('left ')).length === crowd,
  )
})
