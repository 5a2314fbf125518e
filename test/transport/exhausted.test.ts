import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { claimDomain } from '../support/domain-lock.js'

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
