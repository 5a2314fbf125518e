import { execFileSync } from 'node:child_process'
import t from 'tap'
import { nativeAddon } from '../../../src/topology/addon/addon.js'
import { numaFiles, plantTree, type TreeFiles, v2Files } from '../../support/machine-tree.js'
import { requirement } from '../../support/requirement.js'
import { withoutSyscall } from '../../support/without-syscall.js'

/** Runs a process without openat2, as on a kernel before 5.6 or in a sandbox. */
const withoutOpenat2 = withoutSyscall(t, 'openat2')
const hasAddon = requirement(t, 'the native addon', nativeAddon() !== null, 'it is not compiled')
if (hasAddon && withoutOpenat2 !== null) run(withoutOpenat2)

function run(withoutOpenat2: readonly string[]): void {
  const readings = `
    Promise.all([import(${JSON.stringify(new URL('../../../src/topology/numa/topology.js', import.meta.url))}),
      import(${JSON.stringify(new URL('../../../src/topology/cgroup/headroom.js', import.meta.url))})])
      .then(([{ readTopology }, { readHeadroom }]) => {
        const root = process.argv[1]
        process.stdout.write(JSON.stringify({ topology: readTopology({ root }), headroom: readHeadroom({ root }) }))
      })`
  const node = [process.execPath, '-e', readings]
  const read = ([command = '', ...args]: readonly string[], root: string) =>
    JSON.parse(execFileSync(command, [...args, root], { encoding: 'utf8' }))

  const links: TreeFiles = {
    '/sys/bus/node/devices/node0': { link: '../../../elsewhere/node0' },
    '/sys/bus/node/devices/node1': { link: '/sys/elsewhere/node1' },
    '/sys/fs/cgroup/a/memory.max': { link: '/../../../limit' },
    '/limit': { link: './limits/../limits//first' },
    '/limits/first': { link: '../limits/second' },
    '/limits/second': '4096\n',
    '/sys/fs/cgroup/a/memory.current': { link: '/proc/sys/kernel/pid_max' }, // a number, on this machine
    '/sys/fs/cgroup/a/cpu.max': { link: 'cpu.max' },
    '/sys/fs/cgroup/a/pids.max': { link: '/sys/fs/cgroup/a' },
  }

  t.test('links are resolved inside the tree, with and without openat2', async (t) => {
    const nodes = { 0: { cpulist: '0-1', distance: '10 20' }, 1: { cpulist: '2-3', distance: '20 10' } }
    const numa = numaFiles({ base: '/sys/elsewhere', cpuOnline: '0-3', nodes })
    const root = plantTree(t, numa, v2Files('/a', { '/a': {} }), links)
    const modern = read(node, root)
    t.same(
      modern.topology.nodes.map(({ cpus }: { cpus: number[] }) => cpus),
      [
        [0, 1],
        [2, 3],
      ],
    )
    t.same(modern.headroom.memory.limit, { state: 'limited', value: 4096, levelPath: '/sys/fs/cgroup/a' })
    t.equal(modern.headroom.memory.currentBytes, null, 'no link leads to this machine')
    t.same(modern.headroom.cpu.quotaCpus, { state: 'unknown', reason: 'unreadable' }, 'a loop')
    t.same(modern.headroom.pids.limit, { state: 'unknown', reason: 'unreadable' }, 'a directory')
    t.same(read([...withoutOpenat2, ...node], root), modern)
  })
}
