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
for await (const slot of worker.slots({ signal: stop.signal })) {
  const job = next++
  slot.run(`${workerId}-${job}`, async (signal) => {
    await pause(200, undefined, { signal })
    return createHash('sha256').update(`job ${job}`).digest('hex')
  })
}
