// A worker whose job blocks the loop at once and forever. Argument: domain. The job starts with the first line on stdin.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Worker } from '../../../src/roles/worker/worker.js'

const domain = Number(process.argv[2])
const worker = await Worker.start({ workerId: 'blocking', domain, numaNode: 0, concurrency: 2 })
console.log('ready')
await once(createInterface(process.stdin), 'line')
await worker.run(
  'forever',
  () => {
    for (;;) {
      // From here on the event loop sends nothing.
    }
  },
  { queue: 'q' },
)
