import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'
import { kernelProbe, ownIdentity } from '../../../src/pubsub/peer/own-process.js'
import { eventually } from '../../../src/testing/eventually.js'
import { nativeAddon } from '../../../src/topology/addon/addon.js'
import { FreezerCache, readFreezer } from '../../../src/topology/cgroup/freezer.js'
import { processStartTime } from '../../../src/topology/process/process-state.js'
import { cgroupFiles, plantTree, selfFiles, type TreeFiles, v2Files } from '../../support/machine-tree.js'
import { createGroup, removeGroup, write } from '../../support/real-cgroup.js'
import { requirement } from '../../support/requirement.js'

const unified = '/sys/fs/cgroup'
const events = (frozen: 0 | 1) => ({ 'cgroup.events': `populated 1\nfrozen ${frozen}` })
const v1Tree = (groups: Readonly<Record<string, Readonly<Record<string, string>>>>): TreeFiles => ({
  ...selfFiles(['6:freezer:/docker/abc', '0::/'], ['/ /sys/fs/cgroup/freezer cgroup freezer']),
  ...cgroupFiles('/sys/fs/cgroup/freezer', groups),
})

if (requirement(t, 'the native addon', nativeAddon() !== null, 'it is not compiled')) run()

function run(): void {
  t.test('a captured tree shows whether the process is frozen, and by which cgroup', async (t) => {
    const hybrid = selfFiles(
      ['6:freezer:/docker/abc', '0::/docker/abc'],
      ['/ /sys/fs/cgroup/freezer cgroup freezer', '/ /sys/fs/cgroup/unified cgroup2'],
    )
    const cases: readonly [string, TreeFiles, { frozen: boolean | null; directory: string | null }][] = [
      ['v2, running', v2Files('/a/b', { '/a/b': events(0), '/a': events(0) }), { frozen: false, directory: null }],
      [
        'v2, its own cgroup',
        v2Files('/a/b', { '/a/b': events(1), '/a': events(0) }),
        { frozen: true, directory: `${unified}/a/b` },
      ],
      [
        'v2, an ancestor',
        v2Files('/a/b', { '/a/b': events(0), '/a': { ...events(0), 'cgroup.freeze': '1' } }),
        { frozen: true, directory: `${unified}/a` },
      ],
      [
        'v2, requested but not complete',
        v2Files('/a', { '/a': { ...events(0), 'cgroup.freeze': '1' } }),
        { frozen: true, directory: `${unified}/a` },
      ],
      [
        'v1, its own cgroup',
        v1Tree({ '/docker/abc': { 'freezer.state': 'FROZEN' } }),
        { frozen: true, directory: '/sys/fs/cgroup/freezer/docker/abc' },
      ],
      [
        'v1, an ancestor, while its own cgroup is not visible',
        v1Tree({ '/docker': { 'freezer.state': 'FROZEN' } }),
        { frozen: true, directory: '/sys/fs/cgroup/freezer/docker' },
      ],
      [
        'v1, not complete',
        v1Tree({ '/docker/abc': { 'freezer.state': 'FREEZING' } }),
        { frozen: true, directory: '/sys/fs/cgroup/freezer/docker/abc' },
      ],
      ['v1, running', v1Tree({ '/docker/abc': { 'freezer.state': 'THAWED' } }), { frozen: false, directory: null }],
      [
        'hybrid, frozen by v2 alone',
        {
          ...hybrid,
          ...cgroupFiles('/sys/fs/cgroup/freezer', { '/docker/abc': { 'freezer.state': 'THAWED' } }),
          ...cgroupFiles('/sys/fs/cgroup/unified', { '/docker/abc': events(1) }),
        },
        { frozen: true, directory: '/sys/fs/cgroup/unified/docker/abc' },
      ],
      ['no cgroups', { '/proc/self/cgroup': '', '/proc/self/mountinfo': '' }, { frozen: null, directory: null }],
      ['no /proc', { '/sys/x': '' }, { frozen: null, directory: null }],
    ]
    for (const [name, files, expected] of cases) {
      await t.test(name, async (t) => t.same(readFreezer({ root: plantTree(t, files) }), expected))
    }
  })

  t.test('processes of one cgroup share a reading that is at most a second old', async (t) => {
    let nowMs = 0
    let reads = 0
    let frozen = false
    const cache = new FreezerCache(
      () => {
        reads++
        return { frozen, directory: null }
      },
      () => nowMs,
    )
    t.equal(cache.isFrozen(process.pid), false)
    frozen = true
    nowMs = 999
    t.same([cache.isFrozen(process.pid), reads], [false, 1])
    nowMs = 1_000
    t.same([cache.isFrozen(process.pid), reads], [true, 2])
    t.equal(cache.isFrozen(4_194_303), false, 'a process that does not exist')
  })

  for (const version of [1, 2] as const) {
    t.test(
      `a process in a frozen cgroup v${version} is probed as frozen, by its own cgroup and a parent's`,
      async (t) => {
        const created = version === 1 ? createFreezerGroup(t) : createGroup(t, '', 'freezer', 2)
        if (!requirement(t, `a writable freezer, v${version}`, typeof created === 'string', String(created))) return
        const parent = String(created)
        const child = path.join(parent, 'child')
        mkdirSync(child)
        const sleeper = spawn('sleep', ['1000'], { stdio: 'ignore' })
        const pid = sleeper.pid ?? 0
        const setFrozen = (directory: string, on: boolean): void => {
          if (version === 2) write(directory, 'cgroup.freeze', on ? 1 : 0)
          else write(directory, 'freezer.state', on ? 'FROZEN' : 'THAWED')
        }
        t.teardown(async () => {
          for (const directory of [parent, child]) setFrozen(directory, false)
          sleeper.kill('SIGKILL')
          if (sleeper.exitCode === null && sleeper.signalCode === null) await once(sleeper, 'exit')
          await removeGroup(child)
        })
        write(child, 'cgroup.procs', pid)
        const target = { ...ownIdentity(), pid, startTimeTicks: processStartTime(pid) }
        const probe = () => kernelProbe()(target).state
        await eventually('it sleeps', () => probe() === 'sleeping' || undefined)
        for (const directory of [child, parent]) {
          setFrozen(directory, true)
          await eventually(`it is frozen by ${path.basename(directory)}`, () => probe() === 'frozen' || undefined)
          t.match(readFreezer({ pid }), { frozen: true, directory: String })
          setFrozen(directory, false)
          await eventually('it sleeps again', () => probe() === 'sleeping' || undefined)
        }
        t.same(readFreezer({ pid }), { frozen: false, directory: null })
      },
    )
  }
}

/** The headroom is not read from the freezer controller. */
function createFreezerGroup(t: Test): string | Error {
  const directory = `/sys/fs/cgroup/freezer/numacast-test-${process.pid}-freezer`
  try {
    mkdirSync(directory)
  } catch (error) {
    return error as Error
  }
  t.teardown(() => removeGroup(directory))
  return directory
}
