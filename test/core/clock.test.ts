import { spawnSync } from 'node:child_process'
import t from 'tap'

const clock = new URL('../../src/core/clock.js', import.meta.url).href

/** The exit code of a process of its own that has nothing else to do. */
function run(body: string): number | null {
  const script = `import { systemClock } from ${JSON.stringify(clock)}; ${body}`
  return spawnSync(process.execPath, ['--input-type=module', '-e', script]).status
}

t.test('what waits for a poll does not wait for anything to happen', async (t) => {
  t.equal(run('setTimeout(() => process.exit(1), 10_000); systemClock.afterPoll(() => process.exit(0))'), 0)
})

t.test('neither keeps a process alive', async (t) => {
  t.equal(run('systemClock.after(600_000, () => process.exit(1))'), 0)
  t.equal(run('const again = () => systemClock.after(1, () => systemClock.afterPoll(again)); again()'), 0)
})
