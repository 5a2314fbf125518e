import t from 'tap'
import { maxDomain } from '../../src/transport/port.js'
import { claimDomain } from './domain-lock.js'

t.test('claims that overlap differ', async (t) => {
  const claimed = await Promise.all(Array.from({ length: 10 }, () => claimDomain(t)))
  t.equal(new Set(claimed).size, 10)
  t.ok(claimed.every((domain) => domain >= 1 && domain <= maxDomain))
})

t.test('a claim ends with its test: there are fewer domains than these', async (t) => {
  for (let round = 0; round < maxDomain + 10; round++) {
    await t.test(`claim ${round}`, async (t) => {
      t.type(await claimDomain(t), 'number')
    })
  }
})
