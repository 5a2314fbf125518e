// One worker in a process of its own.   node numacast-worker.js DOMAIN WORKER_ID HELD_BYTES
import { Worker } from '../../src/index.js'
import { obeyBench, report } from './member-program.js'

const [domain, workerId = '', heldBytes] = process.argv.slice(2)
obeyBench()
// Written to, so that the kernel must provide the memory, and free it.
const held = Buffer.alloc(Number(heldBytes), 1)
await Worker.start({ domain: Number(domain), workerId, numaNode: 0 })
report({ kind: 'ready' })
process.once('exit', () => held.fill(0))
