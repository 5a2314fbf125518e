// The scheduler, which takes the time as soon as it is told.   node numacast-scheduler.js DOMAIN
import { Scheduler } from '../../src/index.js'
import { obeyBench, say } from './member-program.js'

obeyBench()
const scheduler = await Scheduler.start({ domain: Number(process.argv[2]) })
scheduler.view.onChange((change) => {
  const atNs = process.hrtime.bigint()
  if (change.kind !== 'worker' || change.after === undefined) return
  const { workerId: name, liveliness } = change.after
  if (liveliness === change.before?.liveliness) return
  if (liveliness === 'dead') say({ say: 'dead', name, atNs })
  if (liveliness === 'alive') say({ say: 'alive', name })
})
say({ say: 'ready' })
