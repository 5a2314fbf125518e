import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { claimDomain } from '../support/domain-lock.js'
import { requirement } from '../support/requirement.js'
import { rounds } from './fleet.js'

t.setTimeout(0)

const story = fileURLToPath(new URL('./reused-pid.js', import.meta.url))
const namespace = ['--pid', '--fork', '--mount-proc', '--kill-child']

t.test('a reused pid causes no false verdict', async (t) => {
  const trial = spawnSync('unshare', [...namespace, 'sh', '-c', 'echo 100 > /proc/sys/kernel/ns_last_pid'])
  const reason = trial.error?.message ?? trial.stderr.toString()
  if (!requirement(t, 'a PID namespace of its own, as root', trial.status === 0, reason)) return
  for (let round = 1; round <= rounds; round++) {
    const domain = String(await claimDomain(t))
    const { stdout } = await promisify(execFile)('unshare', [...namespace, process.execPath, story, domain])
    t.strictSame(JSON.parse(stdout), [], `round ${round}`)
  }
})
