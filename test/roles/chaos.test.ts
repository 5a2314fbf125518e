import t from 'tap'
import { seededRandom } from '../../src/core/random.js'
import type { Collector } from '../../src/roles/collector/collector.js'
import type { Scheduler } from '../../src/roles/scheduler/scheduler.js'
import type { Worker } from '../../src/roles/worker/worker.js'
import { MemoryFleet } from '../../src/testing/memory-fleet.js'

const seeds = process.env.NUMACAST_CHAOS_SEEDS ?? '1,2,3,4,5,6'
const steps = 40

t.setTimeout(300_000)
const names = ['a', 'b', 'c', 'd', 'e']

/**
 * Kills, closes and starts roles at random times, on a network that drops, duplicates and delays frames. Workers keep
 * running jobs, and an operator keeps changing intents. Once faults stop, each view must agree with the owners.
 */
for (const seed of seeds.split(',').map(Number)) {
  t.test(`after random faults each view agrees with the owners (seed ${seed})`, async (t) => {
    const fleet = new MemoryFleet(seed)
    const random = seededRandom(seed)
    const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
    const workers = new Map<string, Worker>()
    const wishes = new Map<string, boolean>()
    let collector: Collector | undefined = await fleet.collector()
    let scheduler: Scheduler | undefined = await fleet.scheduler()
    const { view, issuer } = await fleet.operator()
    const falseDeaths: string[] = []
    view.onChange((change) => {
      if (change.kind !== 'worker' || change.after?.liveliness !== 'dead') return
      const { workerId, pid } = change.after
      if (workers.get(workerId)?.participant.identity.pid === pid) falseDeaths.push(`${workerId} ${pid}`)
    })
    let jobs = 0

    const actions: Record<string, () => Promise<void> | void> = {
      async startOrWork() {
        const name = pick(names)
        const running = workers.get(name)
        if (running === undefined) workers.set(name, await fleet.worker(name, { concurrency: 2 }))
        else await running.trySlot()?.run(`job ${++jobs}`, () => undefined)
      },
      killWorker() {
        const name = pick(names)
        const worker = workers.get(name)
        workers.delete(name)
        if (worker !== undefined) fleet.kill(worker)
      },
      async closeWorker() {
        const name = pick(names)
        const worker = workers.get(name)
        workers.delete(name)
        if (worker !== undefined) await fleet.plane.settle(worker.close())
      },
      async collector() {
        if (collector !== undefined) fleet.kill(collector)
        collector = collector === undefined || random() < 0.5 ? await fleet.collector() : undefined
      },
      async scheduler() {
        if (scheduler === undefined) scheduler = await fleet.scheduler()
        else {
          fleet.kill(scheduler)
          scheduler = undefined
        }
      },
      wish() {
        const name = pick(names)
        const drained = random() < 0.5
        wishes.set(name, drained)
        if (drained) issuer.apply('drain', name, { deadlineMs: null })
        else issuer.lift('drain', name)
      },
    }
    const weighted = [
      'startOrWork',
      'startOrWork',
      'startOrWork',
      'killWorker',
      'closeWorker',
      'collector',
      'scheduler',
      'wish',
      'wish',
    ]

    fleet.plane.network.setFaults({ lossRatio: 0.2, duplicateRatio: 0.1, minDelayMs: 0, maxDelayMs: 20 })
    for (let step = 0; step < steps; step++) {
      await actions[pick(weighted)]?.()
      await fleet.clock.advance(Math.floor(random() * 2_500))
    }

    fleet.plane.network.setFaults({})
    if (collector === undefined) collector = await fleet.collector()
    scheduler ??= await fleet.scheduler()
    await fleet.clock.advance(15_000)

    const status = await fleet.lateView((late) => late.status())
    const alive = status.workers.filter(({ liveliness }) => liveliness === 'alive')
    t.strictSame(
      alive.map(({ workerId, pid, jobsCompleted, admissionOpen }) => [workerId, pid, jobsCompleted, admissionOpen]),
      [...workers.entries()]
        .map(([workerId, { participant, completed, admission }]) => [
          workerId,
          participant.identity.pid,
          completed,
          admission.open,
        ])
        .sort(),
      'the late joiner sees exactly the live workers, as they are',
    )
    for (const [name, worker] of workers) {
      t.equal(
        worker.admission.open,
        wishes.get(name) !== true,
        `${name} obeys the last intent: ${worker.admission.reason}`,
      )
    }
    t.match(status.witness, { freshness: 'bounded', lag: 0, degradedMode: 'healthy' })
    t.strictSame(falseDeaths, [], 'no live worker was declared dead')
    await fleet.close()
  })
}
