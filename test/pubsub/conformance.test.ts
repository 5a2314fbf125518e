import t, { type Test } from 'tap'
import { joinDomain, type Participant } from '../../src/pubsub/participant.js'
import { until } from '../../src/testing/eventually.js'
import { MemoryPlane } from '../../src/testing/memory-plane.js'
import { claimDomain } from '../support/domain-lock.js'
import { type Bed, conformance } from './conformance.js'

async function openMemoryBed(): Promise<Bed> {
  const plane = new MemoryPlane()
  return {
    join: (name) => plane.join(name),
    until: async (what, condition) => {
      for (let passedMs = 0; !condition(); passedMs += 5) {
        if (passedMs > 60_000) throw new Error(`not after a minute of fake time: ${what}`)
        await plane.clock.advance(5)
      }
    },
    settle: (work) => plane.settle(work),
    lose: (lossRatio) => {
      plane.network.setFaults({ lossRatio })
      return true
    },
    close: async () => {
      await plane.close()
      await plane.clock.advance(200)
      if (plane.clock.pendingTimers > 0) throw new Error(`${plane.clock.pendingTimers} timers are left`)
    },
  }
}

async function openSocketBed(t: Test): Promise<Bed> {
  const domain = await claimDomain(t)
  const open: Participant[] = []
  return {
    join: async (name) => {
      const participant = await joinDomain({ domain, name })
      open.push(participant)
      return participant
    },
    until,
    settle: (work) => work,
    lose: () => false,
    close: async () => void (await Promise.all(open.map((participant) => participant.close()))),
  }
}

for (const lane of ['datagram', 'stream'] as const) {
  t.test(`memory network, ${lane} topics`, (t) => {
    conformance(t, lane, openMemoryBed)
    t.end()
  })
  t.test(`sockets, ${lane} topics`, (t) => {
    conformance(t, lane, openSocketBed)
    t.end()
  })
}
