import t from 'tap'
import { eventually } from '../../src/testing/eventually.js'
import type { HostProcess } from '../support/namespaced-host.js'
import { networkOf } from '../support/namespaces.js'
import { cliProgram } from '../support/run-cli.js'

/** The command-line program across hosts, configured by its environment only. */

t.setTimeout(600_000)

const environment = { NUMACAST_RANGE: 'subnet', NUMACAST_INSECURE: '1' }
const domain = ['--domain', '9']

t.test('a plane on one host can be read and commanded from another', async (t) => {
  const network = await networkOf(t, ['a', 'b'])
  if (network === undefined) return
  const up = network.host('a').run(cliProgram, ['up', '--workers', '2', ...domain], environment)
  const fromB = (...args: string[]): HostProcess => network.host('b').run(cliProgram, [...args, ...domain], environment)
  await eventually('the status names both workers', async () => {
    const status = fromB('status', '--json')
    const { code } = await status.ended
    if (code !== 0) return false
    const { nodes, workers } = JSON.parse(status.lines.join('\n'))
    return workers.length === 2 && nodes.some(({ host }: { host: string }) => host === 'a')
  })
  // Repeated, because a busy machine may take longer to answer than the command waits for a plane.
  const drain = await eventually('the drain finds the plane', async () => {
    const asked = fromB('intent', 'drain', 'w1')
    return (await asked.ended).code === 3 ? undefined : asked
  })
  t.match(await drain.ended, { code: 0 })
  t.match(drain.lines.join('\n'), /drain of w1: completed/)

  // A newcomer on one side of a cut has never received from the other side.
  network.host('b').run(cliProgram, ['collector', '--all', ...domain], environment)
  const onA = async (): Promise<{ readonly code: number | null; readonly text: string }> => {
    const status = network.host('a').run(cliProgram, ['status', ...domain], environment)
    const { code } = await status.ended
    return { code, text: status.lines.join('\n') }
  }
  await eventually('the status names both hosts', async () => {
    const { code, text } = await onA()
    return code === 0 && /^b\/0 /m.test(text)
  })
  network.partition(['a'], ['b'])
  const cut = await eventually('the status reports the absent host', async () => {
    const status = await onA()
    return /^node b\/0 has been silent/m.test(status.text) ? status : undefined
  })
  t.match(cut, { code: 1, text: /^domain 9: view-only/ })
  network.heal()
  await eventually('the status is healthy again', async () => (await onA()).code === 0)
  const unasked = network.host('b').run(cliProgram, ['status', ...domain], { NUMACAST_RANGE: 'subnet' })
  t.match(await unasked.ended, { code: 2 }, 'leaving the host without the explicit option is wrong usage')
  await up.kill('SIGTERM')
  t.match(await up.ended, { code: 0 })
})
