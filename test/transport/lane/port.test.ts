import t from 'tap'
import {
  checkDomain,
  maxDomain,
  multicastAddressOf,
  portOf,
  rendezvousPortOf,
} from '../../../src/transport/lane/port.js'

t.test('ports follow the DDS formula', async (t) => {
  t.equal(portOf(0, 0), 7_400)
  t.equal(portOf(1, 10), 7_660)
  t.equal(portOf(100, 249), 32_649)
  t.equal(rendezvousPortOf(maxDomain), 65_150)
  t.ok(7_400 + 250 * (maxDomain + 1) + 249 > 65_535, 'one domain more would not fit')
})

t.test('no two partitions share a port and an address, and no port is in the ephemeral range of Linux', async (t) => {
  const places = new Set<string>()
  for (let domain = 0; domain <= maxDomain; domain++) {
    for (let offset = 0; offset < 250; offset++) {
      const port = portOf(domain, offset)
      if (port < 7_400 || port >= 32_768) t.fail(`${domain}, ${offset}: port ${port}`)
      places.add(`${multicastAddressOf(domain)}:${port}`)
    }
  }
  t.equal(places.size, (maxDomain + 1) * 250)
  t.equal(multicastAddressOf(100), '239.255.0.1')
  t.equal(multicastAddressOf(101), '239.255.0.2')
  t.equal(multicastAddressOf(maxDomain), '239.255.0.3')
})

t.test('a domain or a partition out of range is refused', async (t) => {
  for (const [domain, offset] of [
    [-1, 0],
    [232, 0],
    [1.5, 0],
    [Number.NaN, 0],
    [0, -1],
    [0, 250],
    [0, 0.5],
  ] as const) {
    t.throws(() => portOf(domain, offset), { code: 'NUMACAST_INVALID_ARGUMENT' })
  }
  t.throws(() => checkDomain(232), { code: 'NUMACAST_INVALID_ARGUMENT' })
})
