// An example that cannot do its work prints one line and exits with a code.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { claimDomain } from '../support/domain-lock.js'
import { ExampleRole } from '../support/example-role.js'

t.setTimeout(300_000)

t.test('a second collector and a drain of an unknown worker are refused', async (t) => {
  const domain = await claimDomain(t)
  const collector = new ExampleRole(t, 'first-fleet', domain, 'collector')
  await collector.printed(/collector of node 0, domain/)
  t.match(await refusal(t, 'first-fleet/collector', domain), {
    code: 1,
    stderr: new RegExp(`^a collector \\(pid ${collector.process.pid}\\) serves .*\\n$`),
  })
  t.strictSame(await refusal(t, 'first-fleet/operator', domain, 'nosuch'), { code: 3, stderr: 'no worker nosuch\n' })
  t.equal(await collector.stop(), 0)
})

t.test('a gauge without a strength is refused', async (t) => {
  for (const args of [
    ['main', 'strong'],
    ['main', '1.5'],
    ['', '1'],
  ]) {
    const { code, stderr } = await refusal(t, 'hot-standby/gauge', 0, ...args)
    t.equal(code, 2, args.join(' '))
    t.match(stderr, /^usage: gauge\.js .*\n$/)
  }
})

/** Runs the example to its end. */
async function refusal(t: Test, role: string, domain: number, ...args: string[]) {
  const file = fileURLToPath(new URL(`../../examples/${role}.js`, import.meta.url))
  const child = spawn(process.execPath, [file, ...args], {
    env: { ...process.env, NUMACAST_DOMAIN: String(domain) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
  return { code: code as number | null, stderr }
}
