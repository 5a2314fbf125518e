import { defineTopic } from '../../src/pubsub/model/topic.js'
import { joinDomain } from '../../src/pubsub/participant.js'

/** A child of sockets.test.ts and of the Python interop test: writes `count` instances and one counter, until it is killed. */
const [domain, count, name = 'child'] = process.argv.slice(2)
const topic = defineTopic<{ id: string; n: number }>({ name: 'state', key: 'id', fields: ['id', 'n'] })

const participant = await joinDomain({ domain: Number(domain), name })
const writer = participant.writer(topic)
for (let n = 0; n < Number(count); n++) writer.write({ id: `${name}-${n}`, n })
let ticks = 0
setInterval(() => writer.write({ id: `${name}-ticks`, n: ++ticks }), 20)
await participant.ready()
process.stdout.write(`${participant.guid}\n`)
process.once('SIGTERM', () => void participant.close().then(() => process.exit(0)))
