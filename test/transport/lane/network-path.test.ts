import t from 'tap'
import { NumacastError } from '../../../src/core/errors.js'
import { Counters } from '../../../src/core/reporting/counters.js'
import { FakeClock } from '../../../src/testing/fake-clock.js'
import { PathWatch } from '../../../src/transport/interfaces/path-watch.js'
import { type NetworkPath, SubnetFilter } from '../../../src/transport/lane/network-path.js'

const path = (address: string, prefixBits = 24): NetworkPath => ({
  interfaceName: 'eth0',
  address,
  prefixBits,
  multicast: true,
})

t.test('the filter contains the addresses of the subnets in use and no others', async (t) => {
  const filter = new SubnetFilter([path('10.1.2.3'), path('192.168.0.1', 16)])
  for (const address of ['10.1.2.3', '10.1.2.255', '192.168.77.1', '10.1.2.3']) t.ok(filter.contains(address), address)
  for (const address of ['10.1.3.1', '192.169.0.1', '127.0.0.1', '', 'nonsense', '::1'])
    t.notOk(filter.contains(address), address)
  for (let index = 0; index < 10_000; index++) filter.contains(`203.0.${index >> 8}.${index & 255}`)
  t.ok(filter.contains('10.1.2.9'), 'after any number of foreign addresses')
  t.notOk(new SubnetFilter([]).contains('10.1.2.3'))
})

t.test('a change is applied once, and a failed one is tried again', async (t) => {
  const clock = new FakeClock()
  const counters = new Counters()
  let paths = [path('10.0.0.1')]
  let isIncomplete = false
  const followed: unknown[] = []
  const watch = new PathWatch(
    {
      clock,
      counters,
      read: () => paths,
      isIncomplete: () => isIncomplete,
      apply: async (now, change) => void followed.push([now.map(({ address }) => address), change]),
    },
    paths,
  )
  await clock.advance(10_000)
  t.same(followed, [])
  paths = [path('10.0.0.2'), path('10.0.0.1')]
  await clock.advance(10_000)
  t.same(followed.splice(0), [[['10.0.0.2', '10.0.0.1'], { came: 1, went: 0 }]])
  paths = []
  await clock.advance(2_000)
  t.same(followed.splice(0), [[[], { came: 0, went: 2 }]])
  isIncomplete = true
  await clock.advance(2_000)
  t.same(followed.splice(0), [[[], { came: 0, went: 0 }]])
  watch.close()
  watch.close()
  await clock.advance(10_000)
  t.same(followed, [])
  t.equal(clock.pendingTimers, 0)
})

t.test('a watch counts failures to read and to apply, and recovers', async (t) => {
  const clock = new FakeClock()
  const counters = new Counters()
  let failure: Error | undefined = Object.assign(new Error('too many open files'), { code: 'EMFILE' })
  let refusal: Error | undefined
  let applied = 0
  const watch = new PathWatch(
    {
      clock,
      counters,
      read: () => {
        if (failure !== undefined) throw failure
        return [path('10.0.0.9')]
      },
      isIncomplete: () => refusal !== undefined,
      apply: async () => {
        applied++
        if (refusal !== undefined) throw refusal
      },
    },
    [path('10.0.0.1')],
  )
  await clock.advance(6_000)
  t.equal(counters.get('interface.failed.read.emfile'), 3)
  t.equal(applied, 0, 'the paths stay as they were')
  failure = undefined
  refusal = new NumacastError('NUMACAST_CLOSED', 'closed')
  await clock.advance(4_000)
  t.equal(counters.get('interface.failed.apply.closed'), 2)
  refusal = undefined
  await clock.advance(4_000)
  t.equal(applied, 2, 'nothing is applied again after a success')
  watch.close()
})
