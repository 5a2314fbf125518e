import { defineTopic, type Lane } from '../../src/pubsub/model/topic.js'
import { joinDomain } from '../../src/pubsub/participant.js'

/** A child of slow-reader.test.ts: prints `ready`, then the number of samples received once it has `count` instances. */
const [domain, lane, count] = process.argv.slice(2)
const topic = defineTopic<{ id: string; n: number; ballast: string }>({
  name: 'state',
  key: 'id',
  fields: ['id', 'n', 'ballast'],
  lane: lane as Lane,
})

const participant = await joinDomain({ domain: Number(domain), name: 'slow' })
const reader = participant.reader(topic)
let received = 0
let isDone = false
reader.onSample(() => {
  received++
  if (reader.size === Number(count) && !isDone) {
    isDone = true
    process.stdout.write(`${received}\n`)
  }
})
await reader.synced()
process.stdout.write('ready\n')
process.once('SIGTERM', () => void participant.close().then(() => process.exit(0)))
