import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { claimDomain } from '../support/domain-lock.js'

/** zeromq.js aborts the process when a thread ends while its `receive()` is pending. A participant must not. */

t.setTimeout(300_000)

const endings = [
  ['exit', 0, 'closed\n'],
  ['throw', 0, `${'error: thrown in a thread\n'.repeat(3)}closed\n`],
  ['terminate', 0, 'closed\n'],
  ['main-exit', 7, ''],
] as const

for (const [ending, code, output] of endings) {
  t.test(`threads that end by ${ending} without close() leave the process and its other threads intact`, async (t) => {
    const script = fileURLToPath(new URL('./thread-endings.js', import.meta.url))
    const environment = { ...process.env, DOMAIN: String(await claimDomain(t)) }
    const child = spawn(process.execPath, [script, ending], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
    t.teardown(() => child.kill('SIGKILL'))
    const [printed, complaints, [exitCode, signal]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ])
    t.strictSame({ exitCode, signal, printed }, { exitCode: code, signal: null, printed: output }, complaints)
  })
}
