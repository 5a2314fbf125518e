import t, { type Test } from 'tap'
import { stoppedParticipants } from '../../src/cli/client/stopped-participants.js'
import { eventually } from '../../src/testing/eventually.js'
import { addonStatus } from '../../src/topology/addon/addon.js'
import { claimDomain } from '../support/domain-lock.js'
import { type CliProcess, runCli, startCli } from '../support/run-cli.js'

t.setTimeout(600_000)

const linux = process.platform === 'linux' ? {} : { skip: 'there is no /proc' }

t.test('status and intent name a stopped collector instead of reporting no plane', linux, async (t) => {
  const domain = String(await claimDomain(t))
  const collector = startDaemon(t, 'collector', '--all', '--domain', domain)
  startDaemon(t, 'worker', '--id', 'w1', '--domain', domain)
  await statusWith(domain, /^w1 .* alive /m)
  // Another process may wait for the disk at that moment.
  const find = () => stoppedParticipants(Number(domain)).find(({ pid }) => pid === collector.pid)
  t.not(find()?.why, 'stopped')

  process.kill(collector.pid, 'SIGSTOP')
  const found = await eventually('the kernel reports the collector as stopped', () => {
    const stopped = find()
    return stopped?.why === 'stopped' ? stopped : undefined
  })
  t.match(found?.command, / collector --all --domain /)
  for (const args of [['status'], ['status', '--json'], ['intent', 'drain', 'w1']]) {
    const { code, stdout, stderr } = await runCli([...args, '--domain', domain])
    t.equal(code, 1, args.join(' '))
    t.equal(stdout, '', args.join(' '))
    t.match(stderr, new RegExp(`^numacast: no collector answers in domain ${domain}, but .*pid ${collector.pid} \\(`))
    t.match(
      stderr,
      new RegExp(` collector --all .*\\) is stopped.*: let it go on: \`kill -CONT ${collector.pid}\`\\n$`),
    )
  }
  const elsewhere = String(await claimDomain(t))
  t.match(
    await runCli(['status', '--domain', elsewhere, '--wait', '300ms']),
    { code: 3 },
    'another domain is not affected',
  )

  process.kill(collector.pid, 'SIGCONT')
  await statusWith(domain, /^w1 .* alive /m)
})

const withAddon = addonStatus().available ? {} : { skip: 'only the addon detects a stopped process' }

t.test('status --follow reports when the collector is stopped and when it continues', withAddon, async (t) => {
  const domain = String(await claimDomain(t))
  const collector = startDaemon(t, 'collector', '--all', '--domain', domain)
  startDaemon(t, 'worker', '--id', 'w1', '--domain', domain)
  await statusWith(domain, /^w1 .* alive /m)
  const follower = startDaemon(t, 'status', '--follow', '--domain', domain)
  await eventually('the first table is printed', () => /^w1 /m.test(follower.stdout()) || undefined)

  process.kill(collector.pid, 'SIGSTOP')
  const stopped = `node .*: its collector \\(pid ${collector.pid}\\) .*stalled \\(stopped\\)`
  await eventually('the stop is printed', () => new RegExp(stopped).test(follower.stdout()) || undefined)
  process.kill(collector.pid, 'SIGCONT')
  // Concurrent changes are shown as one, from the last state shown.
  const back = `node .*: its collector \\(pid ${collector.pid}\\) .*stalled \\(stopped\\)[^]*\\n.*: its collector \\(pid ${collector.pid}\\) .* → alive`
  await eventually('the return is printed', () => new RegExp(back).test(follower.stdout()) || undefined)
})

function startDaemon(t: Test, ...args: string[]): CliProcess {
  const daemon = startCli(args)
  t.teardown(async () => {
    daemon.child.kill('SIGCONT')
    daemon.child.kill('SIGTERM')
    await daemon.ended
  })
  return daemon
}

async function statusWith(domain: string, pattern: RegExp): Promise<void> {
  await eventually(`a status of domain ${domain} with ${pattern}`, async () => {
    const { stdout } = await runCli(['status', '--domain', domain])
    return pattern.test(stdout) || undefined
  })
}
