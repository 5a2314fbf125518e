// A worker of the plane that takes memory without limit after SIGUSR2.
//
//     node worker-subject.js <domain> <workerId>
import { Worker } from '../../../src/roles/worker/worker.js'

const [domain, workerId = ''] = process.argv.slice(2)
const held: Buffer[] = []
process.on('SIGUSR2', () => setInterval(() => held.push(Buffer.alloc(4 * 1024 * 1024, 1)), 1))
await Worker.start({ domain: Number(domain), workerId, numaNode: 0 })
