import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { eventually } from '../../src/testing/eventually.js'
import { isRunning } from '../../src/testing/processes/child-processes.js'
import { networkOf } from './namespaces.js'

const facts = fileURLToPath(new URL('./namespace-facts.js', import.meta.url))

t.test('hosts look like separate machines, and each fault has its effect', async (t) => {
  const network = await networkOf(t, ['a', 'b', 'c'])
  if (network === undefined) return
  // A port without a listener answers with a refusal, if packets pass.
  const reaches = async (from: string, to: string): Promise<boolean> => {
    const knock = `timeout 1 bash -c ': < /dev/tcp/${network.host(to).address}/9' 2> /dev/null || echo $?`
    return (await network.host(from).namespace.exec(knock)).trim() === '1'
  }
  t.ok(await reaches('a', 'b'))
  network.partition(['a', 'c'], ['b'])
  t.notOk(await reaches('a', 'b'))
  t.ok(await reaches('a', 'c'))
  network.heal()
  t.ok(await reaches('b', 'a'))
  network.lose(99)
  const lost = await Promise.all(Array.from({ length: 5 }, () => reaches('a', 'b')))
  t.ok(lost.includes(false))
  network.lose(0)
  network.restrict('b', 'no-multicast')
  t.ok(await reaches('a', 'b'))
  network.restrict('b')

  await network.addLan(2)
  t.equal(await network.connect('a', 2), '10.77.2.1')
  const seen = JSON.parse(await network.host('a').run(facts).line(/^{/))
  t.match(seen, { hostname: 'a', bootId: network.host('a').bootId, interfaces: ['eth0', 'eth1', 'lo'] })
  t.not(seen.bootId, readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())
  const carrier = (): Promise<string> => network.host('a').namespace.exec('cat /sys/class/net/eth1/operstate')
  t.equal((await carrier()).trim(), 'up')
  await network.cable('a', 'eth1', 'out')
  await eventually('the carrier is lost', async () => (await carrier()).trim() !== 'up')

  const program = network.host('b').run(facts, ['stay'])
  await program.line(/^{/)
  const pid = await program.pid()
  t.ok(isRunning(pid))
  await program.kill('SIGTERM')
  t.match(await program.ended, { signal: 'SIGTERM' })
})

t.test('no namespace or process remains after the test process is killed', async (t) => {
  if ((await networkOf(t, [])) === undefined) return
  const child = spawn(process.execPath, [fileURLToPath(new URL('./namespace-holder.js', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [chunk] = await once(child.stdout, 'data')
  const pids: number[] = JSON.parse(String(chunk))
  t.ok(pids.length > 1 && pids.every(isRunning))
  child.kill('SIGKILL')
  await eventually('all are gone', () => !pids.some(isRunning))
})
