import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { Counters } from '../../../src/core/reporting/counters.js'
import { FakeClock } from '../../../src/testing/fake-clock.js'
import { addonStatus } from '../../../src/topology/addon/addon.js'
import { ReceiveDrops } from '../../../src/transport/datagram/receive-drops.js'
import { claimDomain } from '../../support/domain-lock.js'
import { requirement } from '../../support/requirement.js'

const own = { multicastAddress: '239.255.0.1', ports: () => [7400] }

t.test('drops are counted once each, and only for sockets and ports of this process', async (t) => {
  let drops = { ours: 3, elsewhere: 0 }
  const clock = new FakeClock()
  const counters = new Counters()
  const watch = new ReceiveDrops({
    ...own,
    clock,
    counters,
    sockets: () => [
      { inode: 77, address: '239.255.0.1', port: 7400, drops: drops.ours },
      { inode: 78, address: '239.255.0.1', port: 7401, drops: drops.elsewhere },
      { inode: 79, address: '127.0.0.1', port: 7400, drops: drops.elsewhere },
    ],
  })
  const lost = (): number => counters.get('datagram.lost.receive-buffer')
  await clock.advance(20_000)
  t.equal(lost(), 0, 'earlier drops are not counted')
  drops = { ours: 7, elsewhere: 1_000 }
  await clock.advance(5_000)
  t.equal(lost(), 4)
  await clock.advance(20_000)
  t.equal(lost(), 4)
  drops = { ours: 2 ** 32 - 1, elsewhere: 0 }
  await clock.advance(5_000)
  drops = { ours: 1, elsewhere: 0 }
  await clock.advance(5_000)
  t.equal(lost(), 2 ** 32 - 8 + 4 + 2, 'the counter wraps')
  watch.close()
  watch.close()
  drops = { ours: 50, elsewhere: 0 }
  await clock.advance(60_000)
  t.equal(lost(), 2 ** 32 - 2)
})

t.test('after a failed read no drop is counted twice', async (t) => {
  let drops = 3
  let canLook = true
  const clock = new FakeClock()
  const counters = new Counters()
  const watch = new ReceiveDrops({
    ...own,
    clock,
    counters,
    sockets: () => (canLook ? [{ inode: 77, address: '239.255.0.1', port: 7400, drops }] : null),
  })
  canLook = false
  await clock.advance(10_000)
  canLook = true
  drops = 5
  await clock.advance(5_000)
  t.equal(counters.get('datagram.lost.receive-buffer'), 2)
  watch.close()
})

t.test('drops are counted although the sockets could not be listed at first', async (t) => {
  let drops: number | undefined
  const clock = new FakeClock()
  const counters = new Counters()
  const watch = new ReceiveDrops({
    ...own,
    clock,
    counters,
    sockets: () => (drops === undefined ? null : [{ inode: 77, address: '239.255.0.1', port: 7400, drops }]),
  })
  await clock.advance(5_000)
  drops = 3
  await clock.advance(5_000)
  t.equal(counters.get('datagram.lost.receive-buffer'), 0, 'earlier drops are not counted')
  drops = 5
  await clock.advance(5_000)
  t.equal(counters.get('datagram.lost.receive-buffer'), 2)
  watch.close()
})

t.test('a process that does not read counts what it lost', async (t) => {
  const addon = addonStatus()
  if (!requirement(t, 'the addon', addon.available, addon.available ? '' : addon.reason)) return
  const script = fileURLToPath(new URL('../deaf-process.js', import.meta.url))
  const child = spawn(process.execPath, [script, String(await claimDomain(t))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  await once(child, 'close')
  const { sent, received, lost } = JSON.parse(output)
  t.ok(lost > 0, output)
  t.equal(received + lost, sent, 'every datagram is accounted for')
})
