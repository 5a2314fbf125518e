import { symlinkSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { stoppedParticipants } from '../../../src/cli/client/stopped-participants.js'
import { portOf } from '../../../src/transport/lane/port.js'

/** A line of `/proc/net/udp`. */
function socket(inode: number, address: string, port: number): string {
  const bytes = Buffer.from(address.split('.').map(Number))
  const host = (os.endianness() === 'LE' ? bytes.reverse() : bytes).toString('hex').toUpperCase()
  const local = `${host}:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return `  1: ${local} 00000000:0000 07 00000000:00000000 00:00000000 00000000  0  0 ${inode} 2 0000000000000000 0\n`
}

t.test('the processes of a domain that cannot run and own one of its sockets are listed', async (t) => {
  const process = (state: string, name: string) => ({
    stat: `1 (a) ${state} b) ${state} 1 1`,
    cmdline: `node\0${name}\0`,
    fd: {},
  })
  const root = t.testdir({
    proc: {
      net: {
        udp: [
          '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when uid  timeout inode ref\n',
          socket(10, '239.255.0.1', portOf(3, 0)),
          socket(11, '239.255.0.1', portOf(3, 17)),
          socket(12, '239.255.0.1', portOf(3, 249)),
          socket(13, '239.255.0.1', portOf(4, 0)),
          socket(16, '239.255.0.2', portOf(104, 5)),
          socket(17, '0.0.0.0', portOf(3, 5)),
          'a line that is no socket\n',
        ].join(''),
      },
      100: process('T', 'stopped'),
      101: process('S', 'waiting'),
      102: process('D', 'disk'),
      103: process('T', 'of-domain-4'),
      104: process('T', 'without-a-socket'),
      106: process('T', 'of-domain-104'),
      107: process('T', 'no-participant'),
    },
  })
  for (const [pid, inode] of [
    [100, 10],
    [101, 11],
    [102, 12],
    [103, 13],
    [104, 99],
    [106, 16],
    [107, 17],
  ]) {
    symlinkSync(`socket:[${inode}]`, path.join(root, 'proc', String(pid), 'fd', '7'))
    symlinkSync('/dev/null', path.join(root, 'proc', String(pid), 'fd', '0'))
  }
  t.same(stoppedParticipants(3, root), [
    { pid: 100, command: 'node stopped', why: 'stopped' },
    { pid: 102, command: 'node disk', why: 'io-wait' },
  ])
  t.same(stoppedParticipants(104, root), [{ pid: 106, command: 'node of-domain-104', why: 'stopped' }])
  t.same(stoppedParticipants(3, path.join(root, 'gone')), [], 'without /proc: none')
})
