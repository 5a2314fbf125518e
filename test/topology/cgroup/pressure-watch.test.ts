import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmdirSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { type PressureEvent, watchPressure } from '../../../src/topology/cgroup/pressure-watch.js'
import { getAffinity } from '../../../src/topology/numa/placement.js'
import { createGroup, write } from '../../support/real-cgroup.js'
import { requirement } from '../../support/requirement.js'

const tried = watchPressure({ resource: 'cpu', kind: 'some', stallUs: 1_000_000, windowUs: 2_000_000 }, () => {})
const { status } = tried
tried.close()

t.setTimeout(120_000) // a loaded machine is no failure

t.test('triggers that every kernel rejects are refused', async (t) => {
  const good = { resource: 'cpu', kind: 'some', stallUs: 1, windowUs: 2_000_000 } as const
  for (const bad of [
    { windowUs: 499_999 },
    { windowUs: 10_000_001 },
    { windowUs: Number.NaN },
    { stallUs: 0 },
    { stallUs: 2_000_001 },
    { stallUs: 1.5 },
    { kind: 'any' as 'some' },
    { resource: 'irq' as 'io' },
  ]) {
    t.throws(
      () => watchPressure({ ...good, ...bad }, () => {}),
      { code: 'NUMACAST_INVALID_ARGUMENT' },
      JSON.stringify(bad),
    )
  }
})

t.test('a scope that cannot be watched is unavailable, with the reason', async (t) => {
  const trigger = { resource: 'cpu', kind: 'some', stallUs: 1, windowUs: 2_000_000 } as const
  const watch = watchPressure({ ...trigger, scope: { directory: '/nowhere' } }, () => t.fail('no event'))
  t.match(watch.status, { state: 'unavailable', reason: String })
  watch.close()
  t.equal(watch.status.state, 'unavailable')
})

if (requirement(t, 'PSI triggers', status.state !== 'unavailable', status.state === 'unavailable' ? status.reason : ''))
  run()

function run(): void {
  /** Starts two loops that compete for one CPU, so one of them always waits. */
  const contend = (cpu: number) =>
    Array.from({ length: 2 }, () => spawn('taskset', ['-c', String(cpu), 'sh', '-c', 'while :; do :; done']))

  t.test('a trigger fires when tasks wait for a CPU, with their waiting time', async (t) => {
    const trigger = { resource: 'cpu', kind: 'some', stallUs: 50_000, windowUs: 2_000_000 } as const
    let watch = { close() {} }
    const event = new Promise<PressureEvent>((resolve) => {
      const opened = watchPressure(trigger, resolve)
      opened.ref()
      watch = opened
    })
    const loops = contend(getAffinity()?.[0] ?? 0)
    const { stalledUs, totalUs, atMs } = await event
    for (const loop of loops) loop.kill('SIGKILL')
    watch.close()
    t.ok(stalledUs + 1 >= trigger.stallUs, `${stalledUs} µs`)
    t.ok(totalUs >= stalledUs)
    t.ok(atMs <= performance.now())
  })

  t.test('a closed trigger does not fire', async (t) => {
    const watch = watchPressure({ resource: 'cpu', kind: 'some', stallUs: 1, windowUs: 2_000_000 }, () =>
      t.fail('closed'),
    )
    watch.close()
    t.same(watch.status, { state: 'closed' })
    await delay(50)
  })

  t.test('the watch of one cgroup ends when the cgroup is removed', async (t) => {
    const group = createGroup(t, '', 'pressure', 2)
    if (group instanceof Error) return void requirement(t, 'a writable v2 cgroup', false, group.message)
    const has = existsSync(path.join(group, 'cpu.pressure'))
    if (!requirement(t, 'pressure per cgroup', has, `${group} has no cpu.pressure`)) return
    const scope = { directory: group }
    const [loop, other] = contend(getAffinity()?.[0] ?? 0)
    if (loop?.pid === undefined || other?.pid === undefined) throw new Error('no loop was started')
    let fired: (event: PressureEvent) => void = () => {}
    const first = new Promise<PressureEvent>((resolve) => {
      fired = resolve
    })
    const watch = watchPressure(
      { resource: 'cpu', kind: 'some', stallUs: 10_000, windowUs: 2_000_000, scope },
      (event) => fired(event),
    )
    watch.ref()
    write(group, 'cgroup.procs', loop.pid)
    write(group, 'cgroup.procs', other.pid)
    t.ok((await first).stalledUs > 0)
    for (const child of [loop, other]) {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }
    for (;;) {
      try {
        rmdirSync(group)
        break
      } catch {
        await delay(20)
      }
    }
    while (watch.status.state === 'watching') await delay(20)
    t.same(watch.status, { state: 'ended' })
  })
}
