import t from 'tap'
import { SourceAddressFilter } from '../../../src/pubsub/peer/source-address-filter.js'

const at = (address: string, port = 7) => ({ address, port })

function waysOf(source: ReturnType<typeof at>, sequence: number): SourceAddressFilter {
  const ways = new SourceAddressFilter()
  ways.takeBeacon(source, sequence)
  return ways
}

t.test('the first datagram of a peer known by stream is accepted only from an address that it announced', async (t) => {
  const ways = new SourceAddressFilter()
  t.ok(ways.isKnown(at('10.9.9.9')), 'it has announced none')
  ways.setAddresses(new Set(['10.0.0.1']))
  t.notOk(ways.isKnown(at('10.9.9.9')))
  t.ok(ways.isKnown(at('10.0.0.1', 8)))
  t.equal(ways.main, undefined)
  t.ok(ways.takeBeacon(at('10.0.0.1', 8), 5))
  t.same(ways.main, at('10.0.0.1', 8))
})

t.test('one port is accepted at each address of the descriptor', async (t) => {
  const ways = waysOf(at('10.0.0.1'), 1)
  t.ok(ways.isKnown(at('10.0.0.1')))
  t.notOk(ways.isKnown(at('10.1.0.1')))
  ways.setAddresses(new Set(['10.0.0.1', '10.1.0.1']))
  t.ok(ways.isKnown(at('10.1.0.1')))
  t.notOk(ways.isKnown(at('10.1.0.1', 8)), 'another socket of the same host')
  t.notOk(ways.isKnown(at('10.2.0.1')))
})

t.test('a beacon that arrived from another address before is a duplicate', async (t) => {
  const ways = waysOf(at('10.0.0.1'), 1)
  ways.setAddresses(new Set(['10.0.0.1', '10.1.0.1']))
  t.notOk(ways.takeBeacon(at('10.1.0.1'), 1))
  t.ok(ways.takeBeacon(at('10.1.0.1'), 2), 'the other address was faster')
  t.ok(
    ways.takeBeacon(at('10.0.0.1'), 2),
    'a beacon from the main address is never refused, because it may be reordered',
  )
  t.ok(ways.takeBeacon(at('10.0.0.1'), 3))
  t.notOk(ways.takeBeacon(at('10.1.0.1'), 3))
  t.same(ways.main, at('10.0.0.1'))
})

t.test('the beacon sequence wraps', async (t) => {
  const ways = waysOf(at('10.0.0.1'), 0xffff_ffff)
  ways.setAddresses(new Set(['10.0.0.1', '10.1.0.1']))
  t.ok(ways.takeBeacon(at('10.1.0.1'), 0))
  t.notOk(ways.takeBeacon(at('10.1.0.1'), 0xffff_ffff))
})

t.test('the main address follows the descriptor, or the first beacon after a long silence', async (t) => {
  const ways = waysOf(at('10.0.0.1'), 1)
  ways.setAddresses(new Set(['10.1.0.1']))
  t.ok(ways.takeBeacon(at('10.1.0.1'), 2))
  t.same(ways.main, at('10.1.0.1'))
  ways.moveTo(at('10.9.0.1', 9))
  t.ok(ways.isKnown(at('10.9.0.1', 9)))
  t.notOk(ways.isKnown(at('10.1.0.1')), 'it had another port')
})
