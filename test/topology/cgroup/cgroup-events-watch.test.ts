import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { nativeAddon } from '../../../src/topology/addon/addon.js'
import { type CgroupEvents, watchCgroupEvents } from '../../../src/topology/cgroup/cgroup-events-watch.js'
import { createGroup, write } from '../../support/real-cgroup.js'
import { requirement } from '../../support/requirement.js'

if (requirement(t, 'the native addon', nativeAddon() !== null, 'it is not compiled')) run()

function run(): void {
  t.test('a watched file is reread whenever it changes', async (t) => {
    const directory = t.testdir({ 'memory.events': 'low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n' })
    const changes: CgroupEvents[] = []
    const watch = watchCgroupEvents({ file: 'memory.events', directory }, (events) => changes.push(events))
    watch.ref()
    write(directory, 'memory.events', 'low 0\nhigh 5\nmax 0\noom 1\noom_kill 1\n__proto__ 3\njunk x\n')
    while (changes.at(-1)?.oom_kill !== 1) await delay(5)
    t.match(changes.at(-1), { low: 0, high: 5, max: 0, oom: 1, oom_kill: 1 })
    t.equal(changes.at(-1)?.junk, undefined)
    watch.close()
    const count = changes.length
    write(directory, 'memory.events', 'low 1\n')
    await delay(30)
    t.equal(changes.length, count, 'closed')
  })

  t.test('a missing file is unavailable', async (t) => {
    const watch = watchCgroupEvents({ file: 'memory.events', directory: '/nowhere' }, () => {})
    t.match(watch.status, { state: 'unavailable', reason: /nowhere/ })
  })

  t.test('a real cgroup is reported populated, empty again, and removed', async (t) => {
    const group = createGroup(t, '', 'events', 2)
    if (group instanceof Error) return void requirement(t, 'a writable v2 cgroup', false, group.message)
    const populated: (number | undefined)[] = []
    const watch = watchCgroupEvents({ file: 'cgroup.events', directory: group }, (events) =>
      populated.push(events.populated),
    )
    watch.ref()
    const child = spawn('sleep', ['1000'])
    write(group, 'cgroup.procs', child.pid ?? 0)
    while (populated.at(-1) !== 1) await delay(5)
    child.kill('SIGKILL')
    await once(child, 'exit')
    while (populated.at(-1) !== 0) await delay(5)
    rmdirSync(group)
    while (watch.status.state === 'watching') await delay(5)
    t.same(watch.status, { state: 'ended' })
    t.same(new Set(populated), new Set([1, 0]))
  })
}
