// numacast by its public interface: a writer and a reader at each end, datagram lane. The address is the domain.
import { defineTopic, joinDomain } from '../../src/pubsub.js'
import type { Link, LinkRole } from './link.js'

interface Message {
  readonly key: number
  readonly body: Uint8Array
}

const messages = defineTopic<Message>({ name: 'bench.message', key: 'key', fields: ['key', 'body'] })

export async function openLink(address: string, role: LinkRole, onMessage: (message: Buffer) => void): Promise<Link> {
  const participant = await joinDomain({ domain: Number(address), name: `bench-${role}` })
  const reader = participant.reader(messages, { partition: role === 'near' ? 'back' : 'there' })
  const writer = participant.writer(messages, { partition: role === 'near' ? 'there' : 'back' })
  reader.onSample(({ value }) => {
    if (value !== undefined) onMessage(value.body as Buffer)
  })
  await participant.ready()
  return {
    send: (body, key) => void writer.write({ key, body }),
    flush: () => writer.flush(),
    close: () => participant.close(),
  }
}
