import t from 'tap'
import { checkDomain, maxDomain, portOf } from '../../../src/transport/lane/port.js'

t.test('ports follow DDS', async (t) => {
  t.equal(portOf(0, 0), 7_400)
  t.equal(portOf(1, 10), 7_660)
  t.equal(portOf(maxDomain, 249), 65_399)
  t.ok(7_400 + 250 * (maxDomain + 1) + 249 > 65_535, 'one domain more would not fit')
})

t.test('no two pairs share a port, and none leaves 16 bits', async (t) => {
  const ports = new Set<number>()
  for (let domain = 0; domain <= maxDomain; domain++) {
    for (let offset = 0; offset < 250; offset++) ports.add(portOf(domain, offset))
  }
  t.equal(ports.size, (maxDomain + 1) * 250)
  t.ok([...ports].every((port) => port >= 7_400 && port <= 65_535))
})

t.test('what does not fit is refused', async (t) => {
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
