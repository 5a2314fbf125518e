// One worker in a process of its own.   node numacast-worker.js DOMAIN WORKER_ID
import { Worker } from '../../src/index.js'
import { obeyBench, say } from './member-program.js'

const [domain, workerId = ''] = process.argv.slice(2)
obeyBench()
await Worker.start({ domain: Number(domain), workerId, numaNode: 0 })
say({ say: 'ready' })
