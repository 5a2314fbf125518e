// The collector of node 0.   node numacast-collector.js DOMAIN
import { Collector } from '../../src/index.js'
import { obeyBench, report } from './member-program.js'

obeyBench()
await Collector.start({ domain: Number(process.argv[2]), numaNode: 0 })
report({ kind: 'ready' })
