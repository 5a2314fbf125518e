import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { refusalText } from '../../../src/cli/daemon/pinning.js'
import { addonStatus } from '../../../src/topology/addon/addon.js'
import { claimDomain } from '../../support/domain-lock.js'
import { requirement } from '../../support/requirement.js'
import { cliProgram } from '../../support/run-cli.js'
import { withoutSyscall } from '../../support/without-syscall.js'

t.setTimeout(240_000)

t.test('refusals of CPUs and of memory policy are reported separately', async (t) => {
  const applied = { applied: true } as const
  const refused = { applied: false, reason: 'set_mempolicy: Operation not permitted' } as const
  t.equal(refusalText(1, { cpus: applied, memory: applied }), null)
  t.equal(refusalText(1, { cpus: applied, memory: null }), null, 'a node without memory')
  const memory = refusalText(1, { cpus: applied, memory: refused })
  t.equal(
    memory,
    'pinned to the CPUs of its NUMA node, without a memory policy: set_mempolicy: Operation not permitted',
  )
  t.equal(refusalText(2, { cpus: applied, memory: refused }), memory, 'the same text for every node')
  t.equal(refusalText(1, { cpus: refused, memory: null }), `not pinned to NUMA node 1: ${refused.reason}`)
})

t.test('a plane whose memory policies are refused reports that once, not for each process', async (t) => {
  if (!requirement(t, 'the native addon', addonStatus().available, 'it is not compiled')) return
  const [command = '', ...args] = withoutSyscall(t, 'set_mempolicy') ?? []
  if (command === '') return
  const domain = await claimDomain(t)
  const up = ['up', '--workers', '1', '--duration', '0', '--json', '--domain', String(domain)]
  const child = spawn(command, [...args, process.execPath, cliProgram, ...up], { stdio: ['ignore', 'ignore', 'pipe'] })
  const stderr = await text(child.stderr)
  t.equal(stderr.match(/without a memory policy/g)?.length, 1, stderr)
})
