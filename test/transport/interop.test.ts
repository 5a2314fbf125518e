import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { capability } from 'zeromq'
import { UdpDatagramLane } from '../../src/transport/datagram/datagram-lane.js'
import { portOf } from '../../src/transport/lane/port.js'
import { localhostRange } from '../../src/transport/lane/range.js'
import { claimDomain } from '../support/domain-lock.js'

const skip = capability.draft === true ? false : 'this zeromq has no draft sockets'
const bodies = [0, 1, 64, 1_344, 8_000].map((size) => randomBytes(size).toString('hex'))

async function startPeer(t: Test, role: 'radio' | 'dish', port: number, group: string): Promise<ChildProcess> {
  const child = fork(new URL('libzmq-peer.js', import.meta.url), [role, String(port), group], { execArgv: [] })
  t.teardown(() => child.kill('SIGKILL'))
  t.same(await once(child, 'message'), ['ready', undefined])
  return child
}

async function openLane(t: Test): Promise<{ lane: UdpDatagramLane; port: number }> {
  const port = portOf(await claimDomain(t), 0)
  const lane = await UdpDatagramLane.open(localhostRange)
  t.teardown(() => lane.close())
  return { lane, port }
}

/** UDP may drop datagrams: sends everything again until it was received. */
async function repeatUntil(condition: () => boolean, send: () => void): Promise<void> {
  for (let attempt = 0; attempt < 600 && !condition(); attempt++) {
    send()
    await sleep(50)
  }
}

t.test("the lane receives from libzmq's RADIO", { skip }, async (t) => {
  const { lane, port } = await openLane(t)
  const received = new Set<string>()
  await lane.join({ name: 'fifteen-letters', port }, (body) => received.add(body.toString('hex')))
  const radio = await startPeer(t, 'radio', port, 'fifteen-letters')
  const stranger = await startPeer(t, 'radio', port, 'another')
  await repeatUntil(
    () => received.size >= bodies.length && lane.counters.get('datagram.skipped.other-group') > 0,
    () => {
      stranger.send('ff')
      for (const body of bodies) radio.send(body)
    },
  )
  t.same([...received].sort(), [...bodies].sort())
  t.equal(lane.counters.get('datagram.rejected.truncated'), 0)
})

t.test("libzmq's DISH receives from the lane", { skip }, async (t) => {
  const { lane, port } = await openLane(t)
  const dish = await startPeer(t, 'dish', port, 'fifteen-letters')
  const received = new Set<string>()
  dish.on('message', (message: string) => received.add(message))
  await repeatUntil(
    () => received.size >= bodies.length,
    () => {
      lane.send({ name: 'another', port }, Buffer.from('not for you'))
      for (const body of bodies) lane.send({ name: 'fifteen-letters', port }, Buffer.from(body, 'hex'))
    },
  )
  t.same([...received].sort(), bodies.map((body) => `fifteen-letters:${body}`).sort())
})
