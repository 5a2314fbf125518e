// Shows which gauge counts. Nothing tells it: the strongest gauge that is alive owns the sensor.
import { joinDomain } from 'numacast/pubsub'
import { reading } from './reading.js'

await using participant = await joinDomain({ name: 'display' })
const reader = participant.reader(reading)
reader.onEvent((event) => {
  if (event.kind === 'subscription-matched') console.log(`gauges: ${event.currentCount}`)
  if (event.kind === 'requested-deadline-missed') console.log(`no reading of ${event.key} for half a second`)
})

let owner = ''
const ending = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort())
ending.signal.addEventListener('abort', () => reader.close())
for await (const { value, instanceState } of reader) {
  const now = instanceState === 'alive' && value !== undefined ? value.by : 'no gauge'
  if (now !== owner) console.log(`boiler: read by ${now}`)
  owner = now
}
