import { symlinkSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { stoppedParticipants } from '../../../src/cli/client/stopped-participants.js'

const socket = (inode: number, name: string): string =>
  `0000000000000000: 00000002 00000000 00010000 0001 01 ${inode} ${name}\n`

t.test('stoppedParticipants lists the processes of the domain that cannot run and own their socket', async (t) => {
  const process = (state: string, name: string) => ({
    stat: `1 (a) ${state} b) ${state} 1 1`,
    cmdline: `node\0${name}\0`,
    fd: {},
  })
  const root = t.testdir({
    proc: {
      net: {
        unix: [
          'Num       RefCount Protocol Flags    Type St Inode Path\n',
          socket(10, '@numacast-d3-100-0a'),
          socket(11, '@numacast-d3-101-0a'),
          socket(12, '@numacast-d3-102-0a'),
          socket(13, '@numacast-d33-103-0a'),
          socket(14, '@numacast-d3-104-0a'),
          socket(15, '@numacast-d3-105-0a'),
          socket(16, '@elsewhere-d3-106-0a'),
          socket(17, '/run/numacast-d3-107-0a'),
        ].join(''),
      },
      100: process('T', 'stopped'),
      101: process('S', 'waiting'),
      102: process('D', 'disk'),
      103: process('T', 'of-domain-33'),
      104: process('T', 'another-process-of-that-pid'),
      106: process('T', 'no-participant'),
      107: process('T', 'a-file'),
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
  t.same(stoppedParticipants(3, path.join(root, 'gone')), [], 'without /proc: none')
})
