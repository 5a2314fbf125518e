import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/core/clock.js'
import { openTransport } from '../../src/transport/open.js'
import { portOf } from '../../src/transport/port.js'
import type { Transport } from '../../src/transport/transport.js'
import { claimDomain } from '../support/domain-lock.js'
import { type LaneHarness, laneConformance } from './lane-conformance.js'

const giveUpAfterMs = 60_000

t.test('conformance', async (t) => {
  const domain = await claimDomain(t)
  laneConformance(t, (t) => networkHarness(t, domain))
})

async function networkHarness(t: Test, domain: number): Promise<LaneHarness> {
  const opened: Transport[] = []
  return {
    port: portOf(domain, 0),
    deadEndpoint: 'ipc://@numacast-nobody-is-here',
    async open() {
      const transport = await openTransport({ domain, clock: systemClock })
      opened.push(transport)
      return transport
    },
    async until(what, condition) {
      const untilMs = performance.now() + giveUpAfterMs
      while (!condition()) {
        if (performance.now() > untilMs) {
          t.fail(`never happened: ${what}`)
          return
        }
        await sleep(1)
      }
    },
    settle: (work) => work,
    async close() {
      await Promise.all(opened.map((transport) => transport.close()))
    },
  }
}
