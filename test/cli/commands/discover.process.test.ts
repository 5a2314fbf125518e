import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import t from 'tap'
import { systemClock } from '../../../src/core/time/clock.js'
import { defineTopic } from '../../../src/pubsub/model/topic.js'
import { joinDomain } from '../../../src/pubsub/participant.js'
import { eventually } from '../../../src/testing/eventually.js'
import { openTransport } from '../../../src/transport/open.js'
import { claimDomain } from '../../support/domain-lock.js'
import { runCli } from '../../support/run-cli.js'

t.test('discover in an empty domain exits with code 3', async (t) => {
  const domain = String(await claimDomain(t))
  const { code, stdout, stderr } = await runCli(['discover', '--domain', domain])
  t.equal(code, 3)
  t.equal(stdout, '')
  t.equal(
    stderr,
    `numacast: no participant answers in domain ${domain}: name another with --domain, or give a busy machine more time with --wait\n`,
  )
})

t.test('discover finds a program that only writes a topic', async (t) => {
  const domain = String(await claimDomain(t))
  const script = path.resolve(import.meta.dirname, '..', '..', 'pubsub', 'writer-process.js')
  const child = spawn(process.execPath, [script, domain, '1', 'lonely'], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(async () => {
    const ended = once(child, 'close')
    child.kill('SIGKILL')
    await ended
  })
  const [guid] = (await once(child.stdout, 'data')).map((chunk) => String(chunk).trim())
  // On a machine that is short of CPU it may be stalled at first.
  const asJson = await ask(['--json', '--domain', domain], /"liveliness":"alive"/)
  const document = JSON.parse(asJson)
  t.match(document, {
    domain: Number(domain),
    participants: [{ guid, name: 'lonely', pid: child.pid, writers: 1, readers: 0 }],
    writers: [{ participant: guid, topic: 'state', partitions: ['default'], qos: { reliability: 'reliable' } }],
    readers: [],
  })
  t.equal(document.participants.length, 1, 'discover does not list itself')
  const table = await ask(['--domain', domain], / alive /)
  const [title] = table.split('\n')
  t.equal(title, `domain ${domain}: 1 participant, 1 writer, 0 readers`)
  t.match(table, new RegExp(`^lonely +${guid?.slice(0, 8)} .* ${child.pid} +alive +1 +0 `, 'm'))
  t.match(table, /^writes +state +default +lonely +[0-9a-f]{8} +defaults$/m)
  const verbose = await ask(['--verbose', '--domain', domain], / alive /)
  t.match(verbose, /^writes +state +default +lonely .* reliable, transient-local/m)
})

t.test('discover exits with code 1 and suggests --wait if a participant does not answer in time', async (t) => {
  const domain = await claimDomain(t)
  const transport = await openTransport({ domain, clock: systemClock })
  const { serve } = transport.stream
  transport.stream.serve = () => serve.call(transport.stream, () => new Promise(() => {}))
  const mute = await joinDomain({ domain, name: 'mute' }, { transport })
  t.teardown(() => mute.close())
  mute.writer(defineTopic<{ id: string }>({ name: 'state', key: 'id', fields: ['id'] }))
  const open = await joinDomain({ domain, name: 'open' })
  t.teardown(() => open.close())
  const args = ['discover', '--domain', String(domain), '--wait', '2s']
  const { code, stdout, stderr } = await eventually('discover finds the participant that answers', async () => {
    const result = await runCli(args)
    return result.stdout === '' ? undefined : result
  })
  t.equal(code, 1)
  t.match(stdout, /^open /m)
  t.match(stderr, /^numacast: not every participant answered within 2s, .*: give them more time with --wait\n$/)
})

/** Returns what `discover` prints once it finds a participant and its output matches `pattern`. */
function ask(args: readonly string[], pattern: RegExp): Promise<string> {
  return eventually(`discover prints ${pattern}`, async () => {
    const { code, stdout } = await runCli(['discover', ...args])
    return code === 0 && pattern.test(stdout) ? stdout : undefined
  })
}
