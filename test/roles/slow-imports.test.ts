import { register } from 'node:module'
import t from 'tap'
import { MemoryFleet } from '../../src/testing/memory-fleet.js'

/** A hook as loaders, coverage tools and test runners install it. Node asks it at each `import()`, in a thread. */
const slowHook = `export async function resolve(specifier, context, next) {
  await new Promise((done) => setTimeout(done, 20))
  return next(specifier, context)
}`

t.test('the start of a role takes no fake time for imports, however slow they are', async (t) => {
  register(`data:text/javascript,${encodeURIComponent(slowHook)}`)
  const taken: unknown[] = []
  for (let round = 0; round < 2; round += 1) {
    const fleet = new MemoryFleet()
    const marks = [fleet.clock.nowMs()]
    for (const start of [() => fleet.worker('w'), () => fleet.collector(), () => fleet.scheduler()]) {
      await start()
      marks.push(fleet.clock.nowMs())
    }
    await fleet.close()
    taken.push(marks)
  }
  t.strictSame(taken[0], taken[1])
})
