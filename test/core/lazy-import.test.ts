import t from 'tap'
import { lazyImport } from '../../src/core/lazy-import.js'

t.test('a module is loaded at the first call only', async (t) => {
  let loads = 0
  const load = lazyImport(() => Promise.resolve(++loads))
  t.equal(loads, 0)
  t.equal(load(), load(), 'the same promise')
  t.equal(await load(), 1)
  t.equal(loads, 1)
})

t.test('a load that failed is tried again', async (t) => {
  let loads = 0
  const load = lazyImport(() => (++loads === 1 ? Promise.reject(new Error('EMFILE')) : Promise.resolve(loads)))
  await t.rejects(load(), { message: 'EMFILE' })
  t.equal(await load(), 2)
})
