// Holds a whole fleet as the instances of one numacast writer.   node fleet-owner.js DOMAIN SIZE
import { joinDomain } from '../../src/pubsub.js'
import { fleetRow } from '../peers/fleet.js'
import { fleetTopic } from '../peers/fleet-topic.js'
import { act } from './act.js'

const [domain, size] = process.argv.slice(2).map(Number) as [number, number]
const participant = await joinDomain({ domain, name: 'bench-owner' })
const writer = participant.writer(fleetTopic)
for (let index = 0; index < size; index++) writer.write(fleetRow(index))
await participant.ready()

const calls = act({ close: (_: undefined) => participant.close() })
export type FleetOwnerCalls = typeof calls
