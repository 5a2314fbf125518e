// The scheduler, which takes the time of each report at once.   node numacast-scheduler.js DOMAIN
import { Scheduler } from '../../src/index.js'
import { obeyBench, report } from './member-program.js'

obeyBench()
const scheduler = await Scheduler.start({ domain: Number(process.argv[2]) })
scheduler.view.onChange((change) => {
  const atNs = process.hrtime.bigint()
  if (change.kind !== 'worker' || change.after === undefined) return
  const { workerId: name, liveliness } = change.after
  if (liveliness === change.before?.liveliness) return
  if (liveliness === 'dead') report({ kind: 'dead', name, atNs })
  if (liveliness === 'alive') report({ kind: 'alive', name })
})
report({ kind: 'ready' })
