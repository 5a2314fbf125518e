import t from 'tap'
import { systemClock } from '../../../src/core/time/clock.js'
import { checkMs, LoopMonitor } from '../../../src/core/time/loop-monitor.js'
import { FakeClock } from '../../../src/testing/fake-clock.js'

t.test('checks run one after the other, and the worst delay is kept for a period', async (t) => {
  const clock = new FakeClock()
  const checks: number[] = []
  const pulse = new LoopMonitor(clock, 550, (nowMs) => checks.push(nowMs))
  await clock.advance(1_000)
  t.same(checks, [1_250, 1_500, 1_750, 2_000])
  t.equal(pulse.loopDelayMs, 0)
  clock.jump(1_000)
  await clock.advance(0)
  t.equal(checks.at(-1), 3_000)
  t.equal(pulse.loopDelayMs, 750)
  await clock.advance(500)
  t.equal(pulse.loopDelayMs, 750)
  await clock.advance(250)
  t.equal(pulse.loopDelayMs, 0)
  pulse.close()
  pulse.close()
  const { length } = checks
  await clock.advance(1_000)
  t.equal(checks.length, length)
  t.equal(clock.pendingTimers, 0)
})

t.test('a monitor closed between the timer and the check reports nothing', async (t) => {
  const clock = new FakeClock()
  const pulse = new LoopMonitor(clock, 550, () => t.fail('closed'))
  const early = clock.after(checkMs, () => pulse.close())
  await clock.advance(1_000)
  early.cancel()
  t.equal(clock.pendingTimers, 0)
})

t.test('a loop blocked in any phase makes the check late', async (t) => {
  let isOver = false
  const block = (): void => {
    const untilMs = performance.now() + 600
    while (performance.now() < untilMs);
    isOver = true
  }
  for (const [phase, later] of [
    ['timers', (call: () => void) => setTimeout(call, 1)],
    ['check', (call: () => void) => setImmediate(call)],
    ['microtasks', (call: () => void) => void Promise.resolve().then(call)],
    ['poll', (call: () => void) => import('node:fs').then(({ stat }) => stat('/', call))],
  ] as const) {
    let pulse: LoopMonitor | undefined
    isOver = false
    const lateMs = await new Promise<number>((resolve) => {
      // A busy machine may check before the poll delivers the blocking callback.
      pulse = new LoopMonitor(systemClock, 1_000, () => isOver && resolve(pulse?.loopDelayMs ?? 0))
      const alive = setInterval(() => {}, 50)
      t.teardown(() => clearInterval(alive))
      later(block)
    })
    pulse?.close()
    t.ok(lateMs >= 600 - checkMs - 50, `${phase}: ${Math.round(lateMs)} ms`)
  }
})
