import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { until } from '../../../src/testing/eventually.js'
import { claimDomain } from '../../support/domain-lock.js'
import { plainNode } from '../../support/plain-node.js'
import { requirement } from '../../support/requirement.js'
import { cliProgram } from '../../support/run-cli.js'

t.setTimeout(300_000)

const tried = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { encoding: 'utf8' })
const isRoot = requirement(t, 'root and mount namespaces', tried.status === 0, tried.error?.message ?? tried.stderr)

/** Commands that make the process look restored: what the kernel reports of it differs from what it has announced. */
const restores = {
  'start time': (pid: number) => [
    `awk '{ $22 += 100000; print }' /proc/${pid}/stat >/mnt/stat`,
    `mount --bind /mnt/stat /proc/${pid}/stat`,
  ],
  'boot id': () => [
    'cat /proc/sys/kernel/random/uuid >/mnt/boot_id',
    'mount --bind /mnt/boot_id /proc/sys/kernel/random/boot_id',
  ],
}
const daemons = [
  { args: ['collector', '--all'], differs: 'start time', environment: {} },
  { args: ['scheduler'], differs: 'start time', environment: {} },
  { args: ['worker', '--id', 'w'], differs: 'start time', environment: {} },
  // Without the addon there are no start times.
  { args: ['worker', '--id', 'w'], differs: 'boot id', environment: { NUMACAST_ADDON: 'none' } },
] as const

if (isRoot) run()

function run(): void {
  for (const { args, differs, environment } of daemons) {
    t.test(`numacast ${args[0]} that was restored (another ${differs}) exits with 1 and reports it`, async (t) => {
      const domain = ['--domain', String(await claimDomain(t))]
      const own = ['--mount', 'sh', '-c', 'mount -t tmpfs none /mnt && exec "$@"', 'sh']
      const child = spawn('unshare', [...own, 'env', ...plainNode, cliProgram, ...args, ...domain], {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, ...environment },
      })
      t.teardown(() => child.kill('SIGKILL'))
      const ended = once(child, 'close')
      let stderr = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text
      })
      await until('the daemon runs', () => stderr.includes(`runs as pid ${child.pid}`))
      const script = ['set -e', ...restores[differs](child.pid ?? 0)].join('\n')
      const entered = spawnSync('nsenter', ['--target', String(child.pid), '--mount', 'sh', '-c', script], {
        encoding: 'utf8',
      })
      t.equal(entered.stderr, '')
      t.same(await ended, [1, null])
      t.match(stderr, new RegExp(`restored from a checkpoint \\(its (host's )?${differs} is `))
    })
  }
}
