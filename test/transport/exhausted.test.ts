import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/core/time/clock.js'
import { joinDomain } from '../../src/pubsub/participant.js'
import { until } from '../../src/testing/eventually.js'
import { hostIdentity } from '../../src/topology/host/host-identity.js'
import { openTransport } from '../../src/transport/open.js'
import { claimDomain } from '../support/domain-lock.js'
import { exhaustedTopics } from './exhausted-topics.js'

t.setTimeout(300_000)

t.test(
  'a transport that runs out of file descriptors counts the failures and works once descriptors are free',
  async (t) => {
    const program = fileURLToPath(new URL('./exhausted-process.js', import.meta.url))
    const environment = { ...process.env, DOMAIN: String(await claimDomain(t)) }
    const limited = ['-c', 'ulimit -n 200 && exec "$0" "$1"', process.execPath, program]
    const child = spawn('sh', limited, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
    t.teardown(() => child.kill('SIGKILL'))
    const exited = once(child, 'exit')
    const [printed, complaints] = await Promise.all([text(child.stdout), text(child.stderr)])
    t.same(await exited, [0, null], complaints)
    t.same(JSON.parse(printed), { opening: 'NUMACAST_TRANSPORT', failures: true, live: true, reply: 'after' })
  },
)

for (const spare of [0, 1, 4]) {
  t.test(
    `a participant with ${spare} free descriptors from its joining on recovers once descriptors are free`,
    async (t) => {
      const domain = await claimDomain(t)
      const parent = await joinDomain({ domain, name: 'parent', range: 'subnet', insecure: true, interfaces: ['lo'] })
      t.teardown(() => parent.close())
      const writers = exhaustedTopics.map((topic) => parent.writer(topic))
      const readers = exhaustedTopics.map((topic) => parent.reader(topic))
      await parent.ready()
      const environment = { DOMAIN: String(domain), SPARE: String(spare) }
      const { child, exited, complaints } = startLimited(t, './exhausted-participant.js', environment)
      await Promise.race([once(child, 'message'), exited])
      await until('the parent has asked it, in vain or not', () => {
        const isAsked = ['catch-up.failed.timeout', 'catch-up.replies'].some((name) => parent.counters.get(name) > 0)
        return isAsked || child.exitCode !== null || child.signalCode !== null
      })
      if (child.connected) child.send('free')
      const reported = await Promise.race([once(child, 'message'), exited])
      let n = 0
      await until('each has received what the other writes after that, on both lanes', () => {
        for (const writer of writers) writer.write({ id: 'parent', n: ++n })
        const hasEnded = child.exitCode !== null || child.signalCode !== null
        return hasEnded || readers.every((reader) => (reader.get('child')?.value?.n ?? 0) > 0)
      })
      t.equal(child.exitCode ?? child.signalCode, null, 'the process goes on')
      const failed = Object.keys(reported[0] ?? {}).filter((name) =>
        /^(catch-up|contact|gossip|hello)\.failed/.test(name),
      )
      t.same(
        failed.filter((name) => !/\.(emfile|timeout)$/.test(name)),
        [],
        'failures count by their error code',
      )
      if (spare === 0) t.ok(failed.length > 0, 'they are counted')
      if (child.connected) child.disconnect()
      t.same(await exited, [0, null], await complaints)
    },
  )
}

t.test('a process to which a peer connects while no descriptor is free goes on, and accepts it later', async (t) => {
  const domain = await claimDomain(t)
  const { child, exited, complaints } = startLimited(t, './exhausted-listener.js', { DOMAIN: String(domain) })
  const [endpoints] = await once(child, 'message')
  const own = await openTransport({ domain, clock: systemClock })
  t.teardown(() => own.close())
  child.send('exhaust')
  await once(child, 'message')
  for (const endpoint of endpoints) {
    const request = own.stream.request(endpoint, Buffer.from('?'), { timeoutMs: 300 })
    await t.rejects(request, { code: 'NUMACAST_TIMEOUT' }, `${endpoint} does not answer`)
  }
  t.equal(child.signalCode, null, 'the process goes on')
  child.send('free')
  await Promise.race([once(child, 'message'), exited])
  const [endpoint] = endpoints
  const reply = await own.stream.request(endpoint, Buffer.from('?'), { timeoutMs: 60_000 })
  t.equal(reply.toString(), '?')
  child.disconnect()
  t.same(await exited, [0, null], await complaints)
})

t.test(
  'without enough free descriptors joining is refused, and never has a wrong identity or ends the process',
  async (t) => {
    const program = fileURLToPath(new URL('./exhausted-joining.js', import.meta.url))
    const limited = ['-c', 'ulimit -n 200 && exec "$0" "$1"', process.execPath, program]
    const env = { ...process.env, DOMAIN: String(await claimDomain(t)) }
    const child = spawn('sh', limited, { env, stdio: ['ignore', 'pipe', 'inherit'] })
    t.teardown(() => child.kill('SIGKILL'))
    const exited = once(child, 'exit')
    const printed = await text(child.stdout)
    t.same(await exited, [0, null])
    const attempts: readonly { readonly code: string; readonly bootId?: string }[] = JSON.parse(printed)
    const codes = attempts.map(({ code }) => code)
    t.equal(codes[0], 'NUMACAST_UNAVAILABLE', 'the identity cannot be read')
    t.equal(codes[2], 'NUMACAST_TRANSPORT', 'no socket can be opened')
    t.equal(codes.at(-1), 'joined')
    const identities = new Set(attempts.flatMap(({ bootId }) => bootId ?? []))
    t.same([...identities], [hostIdentity().id])
  },
)

/** Starts a program of this folder that may open 200 descriptors. */
function startLimited(t: Test, name: string, environment: Readonly<Record<string, string>>) {
  const program = fileURLToPath(new URL(name, import.meta.url))
  const limited = ['-c', 'ulimit -n 200 && exec "$0" "$1"', process.execPath, program]
  const env = { ...process.env, ...environment }
  const child = spawn('sh', limited, { env, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  t.teardown(() => child.kill('SIGKILL'))
  return { child, exited: once(child, 'exit'), complaints: text(child.stderr as Readable) }
}
