import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { builtinTopics } from '../../src/pubsub/model/builtin-topics.js'
import { defineTopic, Lane } from '../../src/pubsub/model/topic.js'
import { joinDomain } from '../../src/pubsub/participant.js'
import { until } from '../../src/testing/eventually.js'
import { claimDomain } from '../support/domain-lock.js'
import { requirement } from '../support/requirement.js'

/** Processes as restricted by services and containers. */

t.setTimeout(300_000)

type Value = { readonly id: string; readonly n: number }

/** Compiled tests are in `dist`; files of other languages stay in the source folder. */
function source(file: string): string {
  const candidates = [`../${file}`, `../../../test/${file}`].map((name) =>
    fileURLToPath(new URL(name, import.meta.url)),
  )
  const found = candidates.find((candidate) => existsSync(candidate))
  if (found === undefined) throw new Error(`${file} is missing`)
  return found
}

const program = fileURLToPath(new URL('./hardened-process.js', import.meta.url))
const without = (family: 'netlink' | 'unix'): string[] => [
  'python3',
  source('support/without-address-family.py'),
  family,
  process.execPath,
]
const withoutNetlink = without('netlink')
const canFilter = spawnSync(withoutNetlink[0] ?? '', [...withoutNetlink.slice(1), '-e', '0']).status === 0

interface Report {
  readonly parent: string
  readonly requestEndpoints: readonly string[]
}

/** Runs the program beside an unrestricted participant. Each must receive what the other writes, on both lanes. */
async function exchange(t: Test, command: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Report> {
  const domain = await claimDomain(t)
  const participant = await joinDomain({ domain, name: 'parent' })
  t.teardown(() => participant.close())
  const topics = [Lane.datagram, Lane.stream].map((lane) =>
    defineTopic<Value>({ name: `hardened.${lane}`, key: 'id', fields: ['id', 'n'], lane }),
  )
  const readers = topics.map((topic) => participant.reader(topic))
  const writers = topics.map((topic) => participant.writer(topic))
  for (const writer of writers) writer.write({ id: 'parent', n: 1 })
  const [file = '', ...args] = command
  const env = { ...process.env, ...environment, DOMAIN: String(domain) }
  const child = spawn(file, [...args, program], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const printed = text(child.stdout)
  const exited = once(child, 'exit')
  await until('the child has written', () => readers.every((reader) => reader.get('child') !== undefined))
  // As `numacast discover` lists it.
  const rows = participant.reader(builtinTopics.participants)
  const row = () => [...rows.entries()].find(([, { value }]) => value?.name === 'hardened')?.[1].value
  await until('the child is listed', () => row() !== undefined)
  const requestEndpoints = row()?.endpoints ?? []
  for (const writer of writers) writer.write({ id: 'seen', n: 1 })
  t.same(await exited, [0, null])
  return { ...JSON.parse(await printed), requestEndpoints }
}

t.test('a participant that may not open netlink sockets runs in the default range', async (t) => {
  if (!requirement(t, 'seccomp filters and python3', canFilter, 'without-address-family.py failed')) return
  const { parent, requestEndpoints } = await exchange(t, withoutNetlink)
  t.equal(parent, 'alive')
  t.match(requestEndpoints, [/^tcp:\/\/127\.0\.0\.1:/])
})

t.test('a participant that may not open unix sockets exchanges on both lanes, over loopback TCP', async (t) => {
  if (!requirement(t, 'seccomp filters and python3', canFilter, 'without-address-family.py failed')) return
  const command = without('unix')
  const probe = `import net from 'node:net'
    net.createServer().on('error', ({ code }) => console.log(code)).listen('\\0numacast-test')`
  const [file = '', ...args] = command
  const refused = spawnSync(file, [...args, '--input-type=module', '-e', probe], { encoding: 'utf8' })
  t.equal(refused.stdout, 'EAFNOSUPPORT\n', 'abstract sockets are refused')
  const { parent, requestEndpoints } = await exchange(t, command)
  t.equal(parent, 'alive')
  t.match(requestEndpoints, [/^tcp:\/\/127\.0\.0\.1:/])
})

t.test('range `subnet` without netlink is refused with one line that names the permission', async (t) => {
  if (!requirement(t, 'seccomp filters and python3', canFilter, 'without-address-family.py failed')) return
  const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))
  const [file = '', ...args] = [...withoutNetlink, main]
  const environment = { ...process.env, NUMACAST_RANGE: 'subnet', NUMACAST_INSECURE: '1' }
  for (const command of ['interfaces', 'discover']) {
    const { stderr, signal } = spawnSync(file, [...args, command], { env: environment, encoding: 'utf8' })
    t.equal(signal, null)
    t.match(
      stderr,
      /^numacast: cannot list the network interfaces \(EAFNOSUPPORT\): [^\n]*AF_NETLINK[^\n]*\n$/,
      command,
    )
  }
})
