// One worker that takes jobs from the bench.   node --expose-gc worker-program.js DOMAIN WORKER_ID CONCURRENCY
// A job allocates memory step by step, holds it, and frees it.
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from '../../src/index.js'
import type { FromWorker, JobShape, ToWorker } from './messages.js'

const [domain, workerId = '', concurrency] = process.argv.slice(2)
const send = (message: FromWorker): void => void (process.connected && process.send?.(message))
process.on('disconnect', () => process.exit(0))

const worker = await Worker.start({ domain: Number(domain), workerId, concurrency: Number(concurrency), numaNode: 0 })
let granted: ((order: ToWorker) => void)[] = []
process.on('message', (order: ToWorker) => granted.shift()?.(order))
send({ kind: 'ready' })

const pageBytes = 4096
const steps = 20

async function runJob({ memoryBytes, growMs, holdMs }: JobShape): Promise<void> {
  let parts: Buffer[] = []
  for (let step = 0; step < steps; step++) {
    const part = Buffer.allocUnsafeSlow(Math.floor(memoryBytes / steps))
    // Written to, so that the kernel must provide it.
    for (let at = 0; at < part.length; at += pageBytes) part[at] = 1
    parts.push(part)
    await delay(growMs / steps)
  }
  await delay(holdMs)
  parts = []
}

for await (const slot of worker.slots()) {
  const order = await new Promise<ToWorker>((resolve) => {
    granted = [...granted, resolve]
    send({ kind: 'take' })
  })
  void slot
    .run(`job-${order.job}`, () => runJob(order.shape))
    .then(() => {
      send({ kind: 'done', job: order.job })
      // Memory outside the heap is freed when its buffers are collected.
      globalThis.gc?.()
    })
}
