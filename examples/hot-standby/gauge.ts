// Reads a sensor and publishes the reading. Start one as main (strength 10) and one as its stand-by (strength 1), in any order.
import { setInterval as every } from 'node:timers/promises'
import { joinDomain } from 'numacast/pubsub'
import { reading } from './reading.js'

const by = process.argv[2] ?? 'main'
const ownershipStrength = Number(process.argv[3] ?? 10)
if (!by || !Number.isInteger(ownershipStrength)) {
  console.error('usage: gauge.js [name] [strength: a whole number, the higher wins]')
  process.exit(2)
}
await using participant = await joinDomain({ name: by })
const writer = participant.writer(reading, { qos: { ownershipStrength } })
writer.onEvent((event) => {
  if (event.kind === 'publication-matched') console.log(`${event.currentCount} reading along`)
})

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
try {
  let value = 0
  for await (const _ of every(200, undefined, { signal: stop.signal }))
    writer.write({ sensor: 'boiler', value: ++value, by })
} catch {
  console.log('asked to stop')
}
