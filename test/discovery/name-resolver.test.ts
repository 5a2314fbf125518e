import t from 'tap'
import { systemResolver } from '../../src/discovery/name-resolver.js'

t.test('an address resolves to itself, a name by the system resolver', async (t) => {
  t.same(await systemResolver('10.1.2.3'), ['10.1.2.3'])
  t.same(await systemResolver('fe80::1'), ['fe80::1'])
  const addresses = await systemResolver('localhost')
  t.ok(addresses.includes('127.0.0.1') || addresses.includes('::1'), addresses.join(' '))
  await t.rejects(systemResolver('no-such-host.invalid'))
})
