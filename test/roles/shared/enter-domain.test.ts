import t from 'tap'
import { enterDomain } from '../../../src/roles/shared/enter-domain.js'
import { openPlane } from '../../support/open-plane.js'

t.test('a role passes its join options to its participant, and no other options', async (t) => {
  const plane = openPlane(t)
  const given = { domain: 7, peers: ['10.0.0.1:7400'], range: 'off' as const, insecure: true, leaseMs: 5_000 }
  let joined: object = {}
  const { leave } = await enterDomain(
    'a role',
    { role: 'worker' },
    { ...given, ...{ concurrency: 4 }, interfaces: undefined },
    {
      join: (options) => {
        joined = options
        return plane.join('a role')
      },
    },
  )
  t.strictSame(joined, { name: 'a role', properties: { role: 'worker' }, ...given })
  await plane.settle(leave())
})
