// One per NUMA node: gathers the node's workers and speaks for them. Start it on each node of each machine.
import { Collector, NumacastError } from 'numacast'
import { untilAsked } from './until-asked.js'

try {
  await using collector = await Collector.start({ numaNode: 0 })
  console.log(`collector of node ${collector.numaNode}, domain ${collector.participant.domain}`)
  await untilAsked()
} catch (error) {
  // Such as: another collector serves the node already.
  if (!(error instanceof NumacastError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
