// Takes jobs from a queue in its memory, finds a worker for each, and runs them again that a dead worker had.
import { setTimeout as pause } from 'node:timers/promises'
import { openFleet, type PlacedJob } from 'numacast'
import { capability, type Job, urlLabel } from './job.js'

const [count = 20, ms = 300] = process.argv.slice(2).map(Number)
const lanes = 6

const queue: Job[] = Array.from({ length: count }, (_, index) => {
  return { jobId: `${process.pid}-${index + 1}`, text: `job ${index + 1}`, ms }
})
const doneBy = new Map<string, number>()

await using fleet = await openFleet()
const ending = new AbortController()
const dead = new Set<string>()
const onDeath = new Set<() => void>()
const following = followDeaths()
await Promise.all(Array.from({ length: lanes }, takeJobs))
ending.abort()
await following
const shares = [...doneBy].sort().map(([workerId, jobs]) => `${workerId} ${jobs}`)
console.log(`${count} jobs done: ${shares.join(', ')}`)

/** One lane: takes the next job until the queue is empty. */
async function takeJobs(): Promise<void> {
  for (let job = queue.shift(); job !== undefined; job = queue.shift()) await untilDone(job)
}

async function untilDone(job: Job): Promise<void> {
  for (;;) {
    const placed = await fleet.place({ capability }, { jobId: job.jobId })
    if (placed.kind !== 'worker') {
      if (placed.kind === 'none') await pause(placed.retryAfterMs ?? 1_000)
      continue
    }
    const { workerId } = placed
    console.log(`${job.jobId} → ${workerId}`)
    if (await isDoneAt(placed, job)) {
      doneBy.set(workerId, (doneBy.get(workerId) ?? 0) + 1)
      console.log(`${job.jobId} done by ${workerId}`)
      return
    }
  }
}

/** Sends a job to its worker. Returns false if it may be run again: the worker has refused it, or is dead. */
async function isDoneAt(placed: PlacedJob, job: Job): Promise<boolean> {
  // Another scheduler may have come first meanwhile. Once the job is sent, only the worker's own admission decides.
  if (placed.signal.aborted) return false
  const death = deathOf(placed).then(() => false)
  // A broken connection does not tell whether the job runs on. Only the death of the process does.
  const isDone = await Promise.race([death, send(placed, job).catch(() => death)])
  if (isDone) return true
  placed.release()
  if (isDead(placed)) console.log(`${job.jobId} is lost with ${placed.workerId}`)
  return false
}

async function send({ candidate }: PlacedJob, job: Job): Promise<boolean> {
  const url = candidate.row.profile?.labels[urlLabel] ?? ''
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(job) })
  await response.text()
  return response.ok
}

function isDead({ workerId, incarnation }: PlacedJob): boolean {
  return dead.has(`${workerId} ${incarnation}`)
}

async function deathOf(placed: PlacedJob): Promise<void> {
  while (!isDead(placed)) await new Promise<void>((resolve) => onDeath.add(resolve))
}

async function followDeaths(): Promise<void> {
  for await (const { workerId, incarnation, after, mayReassign } of fleet.deaths({ signal: ending.signal })) {
    if (!mayReassign) continue
    console.log(`${workerId} is dead: ${after.cause}`)
    dead.add(`${workerId} ${incarnation}`)
    for (const resume of onDeath) resume()
    onDeath.clear()
  }
}
