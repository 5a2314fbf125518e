// Counts the datagrams that reach it.   node observer.js DOMAIN plane|bystander

import { systemClock } from '../../src/core/time/clock.js'
import { defineTopic, joinDomain } from '../../src/pubsub.js'
import { openTransport } from '../../src/transport/open.js'
import { FleetView } from '../../src/views.js'
import { act } from '../actors/act.js'
import { counting } from './counting-transport.js'
import { type Usage, UsageMeter } from './usage.js'

export interface ReceivedLoad extends Usage {
  readonly wanted: number
  readonly unwanted: number
}

const [domainText, role] = process.argv.slice(2)
const domain = Number(domainText)
const { transport, wanted, unwanted } = counting(await openTransport({ domain, clock: systemClock }))
const participant = await joinDomain({ domain, name: `${role}` }, { transport })
const view = role === 'plane' ? FleetView.open(participant) : undefined
if (view === undefined) {
  // A bystander: a writer and a reader of another partition, without peers.
  const topic = defineTopic<{ id: string }>({ name: 'bystander', key: 'id', fields: ['id'] })
  participant.reader(topic, { partition: 'elsewhere' })
  participant.writer(topic, { partition: 'elsewhere' }).write({ id: 'here' })
}
await participant.ready()

let deaths = 0
view?.onChange((change) => {
  if (change.kind === 'liveliness' && change.after.liveliness === 'dead') deaths++
})

const meter = new UsageMeter()
let before = { wanted: 0, unwanted: 0 }
const calls = act({
  alive: (_: undefined) => view?.status().workers.filter(({ liveliness }) => liveliness === 'alive').length ?? 0,
  deaths: (_: undefined) => deaths,
  begin(_: undefined) {
    before = { wanted: wanted(), unwanted: unwanted() }
    meter.start()
  },
  end: (_: undefined): ReceivedLoad => ({
    ...meter.read(),
    wanted: wanted() - before.wanted,
    unwanted: unwanted() - before.unwanted,
  }),
})
export type ObserverCalls = typeof calls
