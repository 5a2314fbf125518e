// A worker with a queue of its own. numacast moves no work: it tells the worker when to take the next job.
import { createHash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'numacast'
import { untilAsked } from './until-asked.js'

const workerId = process.argv[2] ?? 'w1'
await using worker = await Worker.start({ workerId, numaNode: 0, concurrency: 2 })
worker.onAdmission(({ open, reason }) => console.log(open ? 'taking jobs' : `not taking jobs: ${reason}`))

const stop = new AbortController()
void untilAsked().then(() => stop.abort())

let next = 1
/** Your queue: Redis, AMQP, a table. Here a job comes every 200 ms. */
async function takeJob(signal: AbortSignal): Promise<string> {
  await pause(200, undefined, { signal })
  return `${workerId}-${next++}`
}

for await (const slot of worker.slots({ signal: stop.signal })) {
  try {
    // The signal ends the wait when the worker is drained: the drain is completed once no slot is open.
    const job = await takeJob(slot.signal)
    slot.run(job, async (signal) => {
      await pause(100, undefined, { signal })
      return createHash('sha256').update(job).digest('hex')
    })
  } catch {
    slot.release()
  }
}
