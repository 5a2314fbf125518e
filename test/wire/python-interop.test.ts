import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { dataGroup } from '../../src/discovery/partition-groups.js'
import { joinDomain } from '../../src/pubsub/participant.js'
import { defineTopic } from '../../src/pubsub/topic.js'
import { claimDomain } from '../support/domain-lock.js'
import { requirement } from '../support/requirement.js'

/** docs/wire.md, held to its word: `listen.py` knows that page and nothing of this library. */

interface Everything {
  readonly id: string
  readonly integer: number
  readonly fraction: number
  readonly truth: boolean
  readonly nothing: null
  readonly absent?: string
  readonly list: readonly unknown[]
  readonly map: Readonly<Record<string, unknown>>
  readonly when: Date
}
const fields = ['id', 'integer', 'fraction', 'truth', 'nothing', 'absent', 'list', 'map', 'when'] as const
const topic = defineTopic<Everything>({ name: 'everything', key: 'id', fields })

const pythons = ['python3', '/usr/bin/python3']
const python = pythons.find((name) => spawnSync(name, ['-c', 'import msgpack']).status === 0)
// Compiled tests lie in dist/test/wire; the script is not compiled.
const script = ['./listen.py', '../../../test/wire/listen.py']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path))

t.test('Python decodes beacons and samples by the documented format', async (t) => {
  if (!requirement(t, 'python3 with msgpack', python !== undefined, `none of ${pythons.join(', ')} can import it`))
    return
  if (python === undefined || script === undefined) throw new Error('listen.py is missing')
  const domain = await claimDomain(t)
  const participant = await joinDomain({ domain, name: 'interop' })
  t.teardown(() => participant.close())
  const owner = await joinDomain({ domain })
  t.teardown(() => owner.close())
  const far = 'far'
  const writer = participant.writer(topic, { partition: far })
  // What this participant relays carries its origin.
  const origin = owner.writer(topic, { partition: 'near' })
  const source = participant.reader(topic, { partition: 'near' })
  const relay = participant.relay(source, { partition: far })
  await participant.ready()

  const child = spawn(python, [script, String(domain), far, participant.guid, 'end'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  t.equal((await lines.next()).value, 'listening')

  const when = new Date('2026-01-02T03:04:05.678Z')
  const value = (id: string, integer: number): Everything => ({
    id,
    integer,
    fraction: 0.1,
    truth: true,
    nothing: null,
    list: [1, 'two', [3]],
    map: { key: 'väl/ue', ключ: { deep: 1 } },
    when,
  })
  // Datagrams may be lost: everything is written again until the other side has seen the end.
  const round = (): void => {
    origin.write(value('relayed', 7))
    writer.write(value('plain', 2 ** 40))
    writer.write(value('gone', 1))
    writer.flush()
    writer.dispose('gone')
    writer.flush()
    if (relay.writer.get('relayed') !== undefined) writer.write(value('end', -1))
  }
  const rounds = setInterval(round, 100)
  t.teardown(() => clearInterval(rounds))
  const { value: line } = await lines.next()
  clearInterval(rounds)
  const heard = JSON.parse(line)

  const group = dataGroup(domain, far)
  t.match(heard, { group: group.name, port: group.port })
  t.match(heard.beacon, {
    incarnation: participant.incarnation,
    flags: 0,
    intervalMs: 500,
    digest: [
      [writer.entity, Number],
      [relay.writer.entity, Number],
    ],
  })
  t.ok(heard.beacon.streamPort > 0 && heard.beacon.descriptorVersion > 0)
  const { plain, gone, relayed, end } = heard.samples
  const rest = [
    0.1,
    true,
    null,
    'undefined',
    [1, 'two', [3]],
    { key: 'väl/ue', ключ: { deep: 1 } },
    '2026-01-02T03:04:05.678000+00:00',
  ]
  t.match(plain, { writer: writer.entity, disposed: false, value: ['plain', 2 ** 40, ...rest] })
  t.match(end.value, ['end', -1, ...rest])
  t.match(gone, { disposed: true, value: null })
  t.ok(end.seq > plain.seq && plain.ageMs < 60_000 && Math.abs(plain.sentWallMs - Date.now()) < 600_000)
  t.match(relayed, { writer: relay.writer.entity, value: ['relayed', 7, ...rest] })
  t.match(relayed.origin, [owner.guid, origin.entity, Number])
  if (child.exitCode === null) await once(child, 'exit')
  t.equal(child.exitCode, 0)
})
