import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
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
    let end = await run(t, ending)
    // Node itself sometimes aborts in its own UDP code when it ends a thread. That is no fault of a participant.
    for (let runs = 1; runs < 6 && end.complaints.includes('node::UDPWrap::OnRecv'); runs += 1) {
      t.comment(`Node aborted in its UDP code, so the threads run again: ${end.complaints.slice(0, 200)}`)
      end = await run(t, ending)
    }
    const { complaints, ...seen } = end
    t.strictSame(seen, { exitCode: code, signal: null, printed: output }, complaints)
  })
}

async function run(t: Test, ending: string) {
  const script = fileURLToPath(new URL('./thread-endings.js', import.meta.url))
  const environment = { ...process.env, DOMAIN: String(await claimDomain(t)) }
  const child = spawn(process.execPath, [script, ending], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [printed, complaints, [exitCode, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  return { exitCode, signal, printed, complaints }
}
