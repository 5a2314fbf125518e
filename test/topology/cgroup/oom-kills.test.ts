import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { nativeAddon } from '../../../src/topology/addon/addon.js'
import { OomKills } from '../../../src/topology/cgroup/oom-kills.js'
import { plantTree, selfFiles, type TreeFiles, v1Files, v2Files } from '../../support/machine-tree.js'
import { requirement } from '../../support/requirement.js'

const events = (oomKills: number): string => `low 0\nhigh 0\nmax 7\noom 9\noom_kill ${oomKills}\noom_group_kill 0\n`
const control = (oomKills: number): string => `oom_kill_disable 0\nunder_oom 0\noom_kill ${oomKills}\n`
const member = (pid: number, ...lines: readonly string[]): TreeFiles => ({
  [`/proc/${pid}/cgroup`]: `${lines.join('\n')}\n`,
})

const v2 = v2Files('/self', { '/self': {}, '/a': {}, '/a/b': {} })
const v1 = v1Files('/self', { memory: { '/self': {}, '/a': {} }, pids: { '/self': {}, '/a': {} } })
const v1Member = member(10, '9:name=systemd:/', '2:pids:/other', '1:memory:/a', '0::/elsewhere')

interface Place {
  readonly title: string
  readonly tree: readonly TreeFiles[]
  /** A file with the count, and a file that must not be read. */
  readonly file: string
  readonly decoy?: string
  readonly text: (oomKills: number) => string
}

const places: readonly Place[] = [
  {
    title: 'v2, without the kills of descendants',
    tree: [v2, member(10, '0::/a/b')],
    file: '/sys/fs/cgroup/a/b/memory.events.local',
    decoy: '/sys/fs/cgroup/a/b/memory.events',
    text: events,
  },
  {
    title: 'v2 before Linux 5.2',
    tree: [v2, member(10, '0::/a/b')],
    file: '/sys/fs/cgroup/a/b/memory.events',
    decoy: '/sys/fs/cgroup/a/memory.events',
    text: events,
  },
  {
    title: 'v2, in a cgroup without the memory controller',
    tree: [v2, member(10, '0::/a/b')],
    file: '/sys/fs/cgroup/a/memory.events.local',
    text: events,
  },
  {
    title: 'v2 in a cgroup namespace, whose root is an ordinary cgroup',
    tree: [v2, selfFiles(['0::/'], ['/ /sys/fs/cgroup cgroup2']), member(10, '0::/')],
    file: '/sys/fs/cgroup/memory.events.local',
    text: events,
  },
  {
    title: 'v2, mounted from a descendant cgroup',
    tree: [v2, selfFiles(['0::/pod/self'], ['/pod /sys/fs/cgroup cgroup2']), member(10, '0::/pod/a')],
    file: '/sys/fs/cgroup/a/memory.events.local',
    text: events,
  },
  { title: 'v1', tree: [v1, v1Member], file: '/sys/fs/cgroup/memory/a/memory.oom_control', text: control },
  {
    title: 'hybrid, with memory on v1',
    tree: [
      v1,
      selfFiles(
        ['1:memory:/self', '0::/self'],
        ['/ /sys/fs/cgroup/memory cgroup memory', '/ /sys/fs/cgroup/u cgroup2'],
      ),
      v1Member,
    ],
    file: '/sys/fs/cgroup/memory/a/memory.oom_control',
    decoy: '/sys/fs/cgroup/u/elsewhere/memory.events.local',
    text: control,
  },
]

t.test('without a reliable count no kill is reported', (t) => {
  const unseen: Readonly<Record<string, readonly TreeFiles[]>> = {
    'no such process': [v2],
    'the root of v2 has no count': [v2, member(10, '0::/')],
    'outside the cgroup namespace': [v2, member(10, '0::/../a'), { '/sys/fs/cgroup/a/memory.events': events(1) }],
    'an ancestor only': [v2, member(10, '0::/a/gone'), { '/sys/fs/cgroup/a/memory.events': events(1) }],
    'no cgroup v2 mounted': [v1, member(10, '0::/a')],
    'nothing counted': [v2, member(10, '0::/a'), { '/sys/fs/cgroup/a/memory.events': 'low 0\n' }],
    'no number': [v2, member(10, '0::/a'), { '/sys/fs/cgroup/a/memory.events': 'oom_kill many\n' }],
    'a directory for a file': [v2, member(10, '0::/a'), { '/sys/fs/cgroup/a/memory.events': { directory: true } }],
    'Linux before 4.13': [v1, v1Member, { '/sys/fs/cgroup/memory/a/memory.oom_control': 'oom_kill_disable 0\n' }],
    'a malformed membership': [v2, member(10, 'memory', '::', '')],
  }
  for (const [title, tree] of Object.entries(unseen)) {
    const kills = new OomKills({ root: plantTree(t, ...tree) })
    const followed = kills.follow(10)
    t.equal(kills.size, 0, title)
    t.equal(followed.claim(), false, title)
    followed.close()
  }
  t.throws(() => new OomKills().follow(0), { code: 'NUMACAST_INVALID_ARGUMENT' })
  t.throws(() => new OomKills({ root: '/nowhere/at/all' }), { code: 'NUMACAST_INVALID_ARGUMENT' })
  t.end()
})

if (requirement(t, 'the native addon', nativeAddon() !== null, 'it is not compiled')) run()

function run(): void {
  for (const { title, tree, file, decoy, text } of places) {
    t.test(title, (t) => {
      const decoys = decoy === undefined ? {} : { [decoy]: text(5) }
      const root = plantTree(t, ...tree, decoys, { [file]: text(3) })
      const kills = new OomKills({ root })
      const [first, second] = [kills.follow(10), kills.follow(10)]
      if (decoy !== undefined) writeFileSync(path.join(root, decoy), text(8))
      t.equal(first.claim(), false, 'not counted here')
      writeFileSync(path.join(root, file), text(4))
      t.equal(first.claim(), true, 'counted')
      t.equal(second.claim(), false, 'only one of the two claims the kill')
      for (const each of [first, first, second]) each.close()
      t.equal(kills.size, 0)
      t.equal(first.claim(), false, 'after it was closed')
      t.end()
    })
  }

  t.test('each kill is claimed by one process, and an earlier kill by none', (t) => {
    const file = '/sys/fs/cgroup/a/memory.events'
    const root = plantTree(t, v2, member(10, '0::/a'), member(11, '0::/a'), { [file]: events(2) })
    const count = (oomKills: number) => writeFileSync(path.join(root, file), events(oomKills))
    const kills = new OomKills({ root })
    const [a, b, c] = [kills.follow(10), kills.follow(11), kills.follow(11)]
    t.equal(kills.size, 1, 'one cgroup')
    count(4)
    const late = kills.follow(10)
    t.equal(late.claim(), false, 'both kills happened before it')
    t.strictSame([a.claim(), b.claim(), c.claim()], [true, true, false], 'two kills for three processes')
    for (const each of [a, b]) each.close()
    count(5)
    t.equal(late.claim(), true, 'the next kill is its own, although others claimed after it was opened')
    t.equal(c.claim(), false)
    count(6)
    t.equal(c.claim(), true)
    for (const each of [c, late]) each.close()
    t.equal(kills.size, 0)
    t.end()
  })

  t.test('a removed and recreated cgroup yields no false claim', (t) => {
    const file = '/sys/fs/cgroup/a/memory.events'
    const root = plantTree(t, v2, member(10, '0::/a'), { [file]: events(2) })
    const kills = new OomKills({ root })
    const followed = kills.follow(10)
    rmSync(path.join(root, path.dirname(file)), { recursive: true })
    t.equal(followed.claim(), false, 'without a count there is no claim')
    const again = kills.follow(10)
    t.equal(again.claim(), false)
    again.close()
    followed.close()
    t.equal(kills.size, 0)
    t.end()
  })
}
