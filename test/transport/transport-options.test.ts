import t from 'tap'
import { systemClock } from '../../src/core/time/clock.js'
import { type OpenTransportOptions, resolveTransportOptions } from '../../src/transport/transport-options.js'

const resolve = (options: Partial<OpenTransportOptions> = {}) =>
  resolveTransportOptions({ domain: 7, clock: systemClock, ...options })

t.test('a range that leaves the host must be asked for explicitly', async (t) => {
  for (const options of [
    { range: 'subnet' },
    { streamReach: 'network' },
    { range: 'off', streamReach: 'network' },
  ] as const) {
    t.throws(() => resolve(options), { code: 'NUMACAST_INVALID_ARGUMENT', message: /leaves this host.*insecure: true/ })
    t.throws(() => resolve({ ...options, insecure: false }), { code: 'NUMACAST_INVALID_ARGUMENT' })
    t.equal(resolve({ ...options, insecure: true }).streamReach, 'network')
  }
})

t.test('a range that stays on the host needs no option', async (t) => {
  t.match(resolve(), { range: 'localhost', streamReach: 'host', insecure: false, port: 0, interfaces: undefined })
  t.match(resolve({ insecure: true }), { range: 'localhost', streamReach: 'host' })
  t.match(resolve({ range: 'off' }), { range: 'off', streamReach: 'host' })
  t.match(resolve({ range: 'off', insecure: true }), { range: 'off', streamReach: 'network' })
})

t.test('an invalid option is refused with its name', async (t) => {
  const bad: readonly [string, Partial<OpenTransportOptions>][] = [
    ['domain', { domain: 232 }],
    ['range', { range: 'moon' as 'subnet' }],
    ['streamReach', { range: 'subnet', streamReach: 'host', insecure: true }],
    ['streamReach', { streamReach: 'wide' as 'host' }],
    ['insecure', { insecure: 'yes' as unknown as boolean }],
    ['port', { port: 65_535 }],
    ['port', { port: -1 }],
    ['port', { port: 1.5 }],
    ['interfaces', { interfaces: 'eth0' as unknown as string[] }],
    ['interfaces', { interfaces: ['eth0', ''] }],
  ]
  for (const [word, options] of bad) {
    t.throws(() => resolve(options), { code: 'NUMACAST_INVALID_ARGUMENT', message: new RegExp(word) })
  }
})

t.test("resolved options copy the caller's list and leave it unchanged", async (t) => {
  const interfaces = ['eth0']
  const resolved = resolve({ interfaces })
  interfaces.push('eth1')
  t.same(resolved.interfaces, ['eth0'])
  t.ok(Object.isFrozen(resolved))
})
