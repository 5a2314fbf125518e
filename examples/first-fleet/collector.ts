// One per NUMA node: gathers the node's workers and speaks for them. Start it on each node of each machine.
import { Collector } from 'numacast'
import { untilAsked } from './until-asked.js'

await using collector = await Collector.start({ numaNode: 0 })
console.log(`collector of node ${collector.numaNode}, domain ${collector.participant.domain}`)
await untilAsked()
