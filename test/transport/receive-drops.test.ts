import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { Counters } from '../../src/core/counters.js'
import { ReceiveDrops } from '../../src/transport/receive-drops.js'
import { parseReceiveBufferErrors, parseUdpTable } from '../../src/transport/udp-table.js'
import { claimDomain } from '../support/domain-lock.js'
import { FakeClock } from '../support/fake-clock.js'
import { plantTree } from '../support/machine-tree.js'
import { requirement } from '../support/requirement.js'

const heading =
  '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops'

function udpTable(rows: readonly { local: string; inode: number; drops: number }[]): string {
  const lines = rows.map(
    ({ local, inode, drops }) =>
      `  101: ${local} 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 ${inode} 2 0000000000000000 ${drops}`,
  )
  return `${[heading, ...lines].join('\n')}\n`
}

function snmp(errors: number): string {
  return `Ip: Forwarding\nIp: 2\nUdp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors\nUdp: 9 0 ${errors} 9 ${errors} 0\n`
}

t.test('the tables of the kernel', async (t) => {
  t.same(parseUdpTable(udpTable([{ local: '0100FFEF:1CE8', inode: 77, drops: 5 }])), [
    { address: '239.255.0.1', port: 7400, inode: 77, drops: 5 },
  ])
  t.same(parseUdpTable('nonsense\n\n 1: zz'), [])
  t.equal(parseReceiveBufferErrors(snmp(12)), 12)
  t.equal(parseReceiveBufferErrors('Udp: A B\nUdp: 1 2\n'), null)
  t.equal(parseReceiveBufferErrors(''), null)
  if (process.platform === 'linux') {
    t.ok(Number.isInteger(parseReceiveBufferErrors(readFileSync('/proc/net/snmp', 'utf8'))))
  }
})

t.test('only its own sockets on its own ports are counted, each drop once', async (t) => {
  const root = plantTree(t, {
    '/proc/net/snmp': snmp(0),
    '/proc/net/udp': udpTable([]),
    '/proc/self/fd/0': { link: '/dev/null' },
    '/proc/self/fd/20': { link: 'socket:[77]' },
    '/proc/self/fd/21': { link: 'socket:[78]' },
  })
  const write = (errors: number, ours: number): void => {
    writeFileSync(path.join(root, 'proc/net/snmp'), snmp(errors))
    writeFileSync(
      path.join(root, 'proc/net/udp'),
      udpTable([
        { local: '0100FFEF:1CE8', inode: 77, drops: ours },
        { local: '0100FFEF:1CE9', inode: 78, drops: 1_000 },
        { local: '0100FFEF:1CE8', inode: 99, drops: 10_000 },
        { local: '0100007F:1CE8', inode: 77, drops: 100_000 },
      ]),
    )
  }
  const clock = new FakeClock()
  const counters = new Counters()
  const drops = new ReceiveDrops({ clock, counters, multicastAddress: '239.255.0.1', ports: () => [7400], root })
  const lost = (): number => counters.get('datagram.lost.receive-buffer')
  write(0, 3)
  await clock.advance(20_000)
  t.equal(lost(), 0, 'the total did not rise: nobody looks further')
  write(4, 4)
  await clock.advance(5_000)
  t.equal(lost(), 4)
  write(9, 6)
  await clock.advance(5_000)
  t.equal(lost(), 4, 'too soon to search again')
  await clock.advance(5_000)
  t.equal(lost(), 6)
  drops.close()
  drops.close()
  write(20, 20)
  await clock.advance(60_000)
  t.equal(lost(), 6)
})

t.test('without /proc nothing is asked again', async (t) => {
  const clock = new FakeClock()
  new ReceiveDrops({
    clock,
    counters: new Counters(),
    multicastAddress: '239.255.0.1',
    ports: () => [7400],
    root: plantTree(t, {}),
  })
  t.equal(clock.pendingTimers, 0)
})

t.test('a process that does not read finds out what it lost', async (t) => {
  if (!requirement(t, '/proc/net/udp', existsSync('/proc/net/udp'), 'this is not Linux')) return
  const script = fileURLToPath(new URL('./deaf-process.js', import.meta.url))
  const child = spawn(process.execPath, [script, String(await claimDomain(t))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  await once(child, 'close')
  const { sent, heard, lost } = JSON.parse(output)
  t.ok(lost > 0, output)
  t.equal(heard + lost, sent, 'every datagram is accounted for')
})
