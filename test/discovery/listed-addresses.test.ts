import t from 'tap'
import { Counters } from '../../src/core/reporting/counters.js'
import { ListedAddresses } from '../../src/discovery/listed-addresses.js'
import { parseListedPeer } from '../../src/discovery/listed-peer.js'
import { FakeClock } from '../../src/testing/fake-clock.js'

t.test('endpoints follow the resolved names', async (t) => {
  const clock = new FakeClock()
  const counters = new Counters()
  const names: Record<string, string[] | undefined> = { a: ['1', '2'], b: ['3'] }
  const told: (readonly string[])[] = []
  const book = new ListedAddresses(
    {
      clock,
      counters,
      random: () => 0.5,
      resolve: async (host) => names[host] ?? Promise.reject(new Error('NXDOMAIN')),
      endpointAt: (address, port) => `${address}:${port}`,
      rendezvousPort: 7400,
      onChanged: (endpoints) => told.push(endpoints),
    },
    ['a', 'a:9', 'b:8'].map(parseListedPeer),
  )
  await book.open()
  t.same(told.splice(0), [['1:7400', '2:7400', '1:9', '2:9', '3:8']])
  await clock.advance(29_999)
  names.b = undefined
  await clock.advance(1)
  t.same(told, [], 'a name that does not resolve keeps its addresses')
  t.equal(counters.get('listed-peer.unresolved'), 1)
  names.a = Array.from({ length: 65 }, (_, n) => `${n}`)
  await clock.advance(30_000)
  t.equal(told.splice(0)[0]?.length, 2 * 64 + 1)
  t.equal(counters.get('listed-peer.addresses-cut'), 1)
  book.close()
  t.equal(clock.pendingTimers, 0)
})
