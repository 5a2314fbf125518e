// Watches the fleet. It pauses a node that runs short of memory, and keeps operators' intents alive after they left.
import { Scheduler } from 'numacast'
import { untilAsked } from './until-asked.js'

await using scheduler = await Scheduler.start()
scheduler.view.onChange((change) => {
  if (change.kind !== 'worker' || change.after === undefined) return
  const { workerId, state, liveliness, cause } = change.after
  const { before } = change
  if (before?.state === state && before.liveliness === liveliness) return
  console.log(`${workerId}: ${state}, ${liveliness}${cause === null ? '' : ` (${cause})`}`)
})
await untilAsked()
