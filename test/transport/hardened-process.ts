/** A participant in a hardened process: exchanges values on both lanes with its parent, then prints its endpoints. */
import { defineTopic, Lane } from '../../src/pubsub/model/topic.js'
import { joinDomain } from '../../src/pubsub/participant.js'
import { until } from '../../src/testing/eventually.js'

type Value = { readonly id: string; readonly n: number }
const participant = await joinDomain({ domain: Number(process.env.DOMAIN), name: 'hardened' })
const topics = [Lane.datagram, Lane.stream].map((lane) =>
  defineTopic<Value>({ name: `hardened.${lane}`, key: 'id', fields: ['id', 'n'], lane }),
)
const readers = topics.map((topic) => participant.reader(topic))
for (const topic of topics) participant.writer(topic).write({ id: 'child', n: 1 })
await until('the parent has written', () => readers.every((reader) => reader.get('parent') !== undefined))
await until('the parent has read', () => readers.every((reader) => reader.get('seen') !== undefined))
const parent = participant.peers().find(({ name }) => name === 'parent')
console.log(JSON.stringify({ parent: parent?.verdict.liveliness }))
await participant.close()
