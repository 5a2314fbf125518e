import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t from 'tap'
import { diagnosticsChannels } from '../../src/core/reporting/diagnostics.js'
import { type Logger, silentLogger } from '../../src/core/reporting/logger.js'
import type { PeerEvent } from '../../src/pubsub/model/events.js'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import { MemoryFleet } from '../../src/testing/memory-fleet.js'
import { MemoryPlane } from '../../src/testing/memory-plane.js'

const topic = defineTopic<{ id: string }>({ name: 'state', key: 'id', fields: ['id'] })
const error = new TypeError('undefined is not a function')
const broken = (): never => {
  throw error
}

/** Records what is logged as an error. */
function errorLog(): { logger: Logger; fields: Record<string, unknown>[] } {
  const fields: Record<string, unknown>[] = []
  return { logger: { ...silentLogger, error: (given: object) => void fields.push({ ...given }) }, fields }
}

t.test('a participant listener that throws is logged with its error', async (t) => {
  const plane = new MemoryPlane()
  const { logger, fields } = errorLog()
  const a = await plane.join('a', { logger })
  a.onPeer(broken)
  a.reader(topic)
  const b = await plane.join('b')
  b.writer(topic)
  await plane.clock.advance(1_000)
  t.match(fields[0], { counter: 'participant.listener-threw', err: error, participant: a.guid })
  await b.close()
  await a.close()
})

t.test('a peer that joins and leaves is published with the participant that saw it', async (t) => {
  const plane = new MemoryPlane()
  const seen: string[] = []
  const receive = (message: unknown): void => {
    const { participant, event } = message as { participant: string; event: PeerEvent }
    if (participant === a.guid) seen.push(`${event.kind} ${event.peer.name}`)
  }
  const a = await plane.join('a')
  a.reader(topic)
  subscribe(diagnosticsChannels.peer, receive)
  const b = await plane.join('b')
  b.writer(topic)
  await plane.clock.advance(1_000)
  await b.close()
  await plane.clock.advance(1_000)
  unsubscribe(diagnosticsChannels.peer, receive)
  t.equal(seen.at(0), 'joined b')
  t.equal(seen.at(-1), 'left b')
  await a.close()
})

t.test('a policy that throws is logged with its error by every role that takes a logger', async (t) => {
  const fleet = new MemoryFleet()
  const { logger, fields } = errorLog()
  const scheduler = await fleet.scheduler({
    logger,
    policies: [{ name: 'broken', initial: {}, decide: broken }],
  })
  await fleet.clock.advance(2_500)
  t.match(fields[0], { counter: 'scheduler.policy-failed.broken', err: error })
  await scheduler.close()
})
