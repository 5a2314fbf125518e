/** A program of crowd.test.ts: holds participants of one domain, each with a writer, until SIGTERM. */

import { defineTopic } from '../../src/pubsub/model/topic.js'
import { joinDomain, type Participant } from '../../src/pubsub/participant.js'

const [domain, count, name] = process.argv.slice(2)
const topic = defineTopic<{ id: string; pid: number }>({ name: 'crowd', key: 'id', fields: ['id', 'pid'] })
const participants: Participant[] = []
for (let index = 0; index < Number(count); index++) {
  const participant = await joinDomain({ domain: Number(domain), name: `${name}-${index}` })
  participants.push(participant)
  participant.writer(topic).write({ id: `${name}-${index}`, pid: process.pid })
  await participant.ready()
}
console.log('ready')
process.once('SIGTERM', () => {
  void Promise.all(participants.map((participant) => participant.close()))
})
