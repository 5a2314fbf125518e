// Some workers of one zone, each a participant of its own.   node workers.js DOMAIN ZONE FIRST COUNT
import { Worker } from '../../src/index.js'
import { act } from '../actors/act.js'
import { UsageMeter } from './usage.js'

const [domain = 0, zone = 0, first = 0, count = 0] = process.argv.slice(2).map(Number)
const meter = new UsageMeter()
const calls = act({
  async open(_: undefined) {
    for (let index = first; index < first + count; index++) {
      await Worker.start({ domain, numaNode: zone, workerId: `w${index}` })
    }
  },
  begin: (_: undefined) => meter.start(),
  end: (_: undefined) => meter.read(),
})
export type WorkersCalls = typeof calls
