import { spawnSync } from 'node:child_process'
import t from 'tap'
import { systemClock } from '../../../src/core/time/clock.js'

const clock = new URL('../../../src/core/time/clock.js', import.meta.url).href

/** Returns the exit code of a separate process that runs only this code. */
function run(body: string): number | null {
  const script = `import { systemClock } from ${JSON.stringify(clock)}; ${body}`
  return spawnSync(process.execPath, ['--input-type=module', '-e', script]).status
}

t.test('afterPoll does not wait for an event to arrive', async (t) => {
  t.equal(run('setTimeout(() => process.exit(1), 10_000); systemClock.afterPoll(() => process.exit(0))'), 0)
})

t.test('neither after nor afterPoll keeps a process alive', async (t) => {
  t.equal(run('systemClock.after(600_000, () => process.exit(1))'), 0)
  t.equal(run('const again = () => systemClock.after(1, () => systemClock.afterPoll(again)); again()'), 0)
})

t.test('a timer longer than Node can wait does not fire at once', async (t) => {
  for (const delayMs of ['2 ** 31', '1e15', 'Infinity']) {
    const wait = `systemClock.after(${delayMs}, () => process.exit(1)); setTimeout(() => process.exit(0), 50)`
    t.equal(run(wait), 0, delayMs)
  }
})

t.test('a timer after Infinity holds no resource', async (t) => {
  const count = 'process.getActiveResourcesInfo().length'
  t.equal(run(`const before = ${count}; systemClock.after(Infinity, () => {}); process.exit(${count} - before)`), 0)
})

t.test('a long timer can be cancelled and fires when its time has come', async (t) => {
  t.equal(run('systemClock.after(2 ** 40, () => process.exit(1)).cancel()'), 0)
  // Two steps of 2³¹ − 1 ms and a rest, on a setTimeout that does not wait.
  const steps = `
    const delays = []
    let now = 0
    performance.now = () => now
    globalThis.setTimeout = (fire, delay) => {
      delays.push(delay)
      setImmediate(() => { now += delay; fire() })
      return { unref: () => undefined }
    }
    systemClock.after(2 * (2 ** 31 - 1) + 5, () => {
      process.exit(JSON.stringify(delays) === JSON.stringify([2 ** 31 - 1, 2 ** 31 - 1, 5]) ? 0 : 1)
    })`
  t.equal(run(steps), 0)
})

t.test('a delay that is not a number is refused', async (t) => {
  for (const delay of [Number.NaN, undefined, '5']) {
    t.throws(() => systemClock.after(delay as number, () => undefined), { code: 'NUMACAST_INVALID_ARGUMENT' })
  }
})
