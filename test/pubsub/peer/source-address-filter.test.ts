import t from 'tap'
import { SourceAddressFilter } from '../../../src/pubsub/peer/source-address-filter.js'

const at = (address: string, port = 7) => ({ address, port })

function waysOf(source: ReturnType<typeof at>, sequence: number): SourceAddressFilter {
  const ways = new SourceAddressFilter()
  ways.takeBeacon(source, sequence)
  return ways
}

t.test('of one that was met by stream the first datagram comes from an address that it named', async (t) => {
  const ways = new SourceAddressFilter()
  t.ok(ways.isKnown(at('10.9.9.9')), 'it has named none')
  ways.setAddresses(new Set(['10.0.0.1']))
  t.notOk(ways.isKnown(at('10.9.9.9')))
  t.ok(ways.isKnown(at('10.0.0.1', 8)))
  t.equal(ways.main, undefined)
  t.ok(ways.takeBeacon(at('10.0.0.1', 8), 5))
  t.same(ways.main, at('10.0.0.1', 8))
})

t.test('one port, at the addresses that the descriptor names', async (t) => {
  const ways = waysOf(at('10.0.0.1'), 1)
  t.ok(ways.isKnown(at('10.0.0.1')))
  t.notOk(ways.isKnown(at('10.1.0.1')))
  ways.setAddresses(new Set(['10.0.0.1', '10.1.0.1']))
  t.ok(ways.isKnown(at('10.1.0.1')))
  t.notOk(ways.isKnown(at('10.1.0.1', 8)), 'another socket of the same host')
  t.notOk(ways.isKnown(at('10.2.0.1')))
})

t.test('a beacon that came another way before is a copy', async (t) => {
  const ways = waysOf(at('10.0.0.1'), 1)
  ways.setAddresses(new Set(['10.0.0.1', '10.1.0.1']))
  t.notOk(ways.takeBeacon(at('10.1.0.1'), 1))
  t.ok(ways.takeBeacon(at('10.1.0.1'), 2), 'the other way was faster')
  t.ok(ways.takeBeacon(at('10.0.0.1'), 2), 'what comes by the main way is never refused: order may be lost there')
  t.ok(ways.takeBeacon(at('10.0.0.1'), 3))
  t.notOk(ways.takeBeacon(at('10.1.0.1'), 3))
  t.same(ways.main, at('10.0.0.1'))
})

t.test('the sequence wraps', async (t) => {
  const ways = waysOf(at('10.0.0.1'), 0xffff_ffff)
  ways.setAddresses(new Set(['10.0.0.1', '10.1.0.1']))
  t.ok(ways.takeBeacon(at('10.1.0.1'), 0))
  t.notOk(ways.takeBeacon(at('10.1.0.1'), 0xffff_ffff))
})

t.test('the main way follows the descriptor, or the first beacon after a long silence', async (t) => {
  const ways = waysOf(at('10.0.0.1'), 1)
  ways.setAddresses(new Set(['10.1.0.1']))
  t.ok(ways.takeBeacon(at('10.1.0.1'), 2))
  t.same(ways.main, at('10.1.0.1'))
  ways.moveTo(at('10.9.0.1', 9))
  t.ok(ways.isKnown(at('10.9.0.1', 9)))
  t.notOk(ways.isKnown(at('10.1.0.1')), 'it had another port')
})
