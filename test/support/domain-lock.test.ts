import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import t from 'tap'
import { maxDomain, multicastAddressOf, portOf } from '../../src/transport/lane/port.js'
import { claimDomain, lockDomain } from './domain-lock.js'

t.test('overlapping claims get different domains', async (t) => {
  const claimed = await Promise.all(Array.from({ length: 10 }, () => claimDomain(t)))
  t.equal(new Set(claimed).size, 10)
  t.ok(claimed.every((domain) => domain >= 1 && domain <= maxDomain))
})

t.test('a claim ends with its test, so that more tests than domains can claim one', async (t) => {
  for (let round = 0; round < maxDomain + 10; round++) {
    await t.test(`claim ${round}`, async (t) => {
      t.type(await claimDomain(t), 'number')
    })
  }
})

t.test('a domain with an unlocked participant is skipped', async (t) => {
  const first = await lockDomain()
  await first.release()
  const left = createSocket('udp4')
  left.bind(portOf(first.domain, 3), multicastAddressOf(first.domain))
  await once(left, 'listening')
  t.not(await claimDomain(t), first.domain)
  left.close()
})
