import { defineTopic } from '../../src/pubsub.js'
import { type FleetRow, fleetFields } from './fleet.js'

/** Without a schema: none of the peers checks what it reads. */
export const fleetTopic = defineTopic<FleetRow>({ name: 'bench.fleet', key: 'workerId', fields: fleetFields })
