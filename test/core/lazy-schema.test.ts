import t from 'tap'
import { z } from 'zod'
import { lazySchema, loadZod } from '../../src/core/lazy-schema.js'

// First, because the copy that is loaded first is used from then on.
t.test('schemas that are built after loadZod share the copy of import', async (t) => {
  await loadZod()
  t.equal(
    lazySchema((zod) => {
      t.equal(zod, z)
      return zod.string()
    })().parse('x'),
    'x',
  )
})

t.test('a lazy schema is built at its first call, once', async (t) => {
  let builds = 0
  const schema = lazySchema((zod) => {
    builds++
    return zod.object({ a: zod.string() })
  })
  t.equal(builds, 0)
  t.same(schema().parse({ a: 'x' }), { a: 'x' })
  t.equal(schema(), schema())
  t.equal(builds, 1)
})

t.test('a build that throws is tried again at the next call', async (t) => {
  let builds = 0
  const schema = lazySchema((zod) => {
    if (++builds === 1) throw new Error('not yet')
    return zod.string()
  })
  t.throws(() => schema(), { message: 'not yet' })
  t.equal(schema().parse('x'), 'x')
})
