/**
 * A participant of range `subnet`, on loopback only, in a process without a free file descriptor from the moment at which
 * it has joined until the parent sends a message. Then it reports its counters and follows the parent's values.
 * Environment: DOMAIN, and SPARE: how many descriptors stay free.
 */
import { closeSync, openSync } from 'node:fs'
import { joinDomain } from '../../src/pubsub/participant.js'
import { exhaustedTopics } from './exhausted-topics.js'

const participant = await joinDomain({
  domain: Number(process.env.DOMAIN),
  name: 'exhausted',
  range: 'subnet',
  insecure: true,
  interfaces: ['lo'],
})
const hoard: number[] = []
try {
  for (;;) hoard.push(openSync('/dev/null', 'r'))
} catch {
  // No descriptor is left.
}
for (const descriptor of hoard.splice(0, Number(process.env.SPARE))) closeSync(descriptor)

const readers = exhaustedTopics.map((topic) => participant.reader(topic))
for (const reader of readers) {
  reader.onSample(({ value }) => {
    if (value?.id === 'parent') participant.writer(reader.topic).write({ id: 'child', n: value.n })
  })
}
for (const topic of exhaustedTopics) participant.writer(topic).write({ id: 'child', n: 0 })
process.send?.('exhausted')
process.once('message', () => {
  for (const descriptor of hoard) closeSync(descriptor)
  process.send?.(participant.counters.snapshot())
})
process.on('disconnect', () => void participant.close())
