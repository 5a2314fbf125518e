// numacast: a fresh reader, from `participant.reader()` to `synced()`. The address is the domain.
import { joinDomain, type Participant } from '../../src/pubsub.js'
import type { FleetRow } from './fleet.js'
import { fleetTopic } from './fleet-topic.js'
import type { Joiner } from './joiner.js'

/** The participant has read the partition before and so knows the writer, as a Redis client knows its server. */
export async function openKnowing(address: string): Promise<Joiner> {
  const participant = await joinDomain({ domain: Number(address), name: 'bench-joiner' })
  const knowing = participant.reader(fleetTopic)
  await knowing.synced()
  let close: () => void
  return {
    join: async () => {
      const read = await readAll(participant)
      close = read.close
      return read.rows
    },
    leave: () => close(),
    close: () => participant.close(),
  }
}

/** The participant exists, and has never solicited the partition. */
export async function openUnknowing(address: string): Promise<Joiner> {
  let participant: Participant | undefined
  return {
    async prepare() {
      participant = await joinDomain({ domain: Number(address), name: 'bench-joiner' })
    },
    join: async () => (await readAll(participant as Participant)).rows,
    leave: () => participant?.close(),
    close: async () => participant?.close(),
  }
}

/** Nothing exists yet: joining the domain counts. */
export async function openCold(address: string): Promise<Joiner> {
  let participant: Participant | undefined
  return {
    async join() {
      participant = await joinDomain({ domain: Number(address), name: 'bench-joiner' })
      return (await readAll(participant)).rows
    },
    leave: () => participant?.close(),
    close: async () => participant?.close(),
  }
}

async function readAll(participant: Participant): Promise<{ rows: Map<string, FleetRow>; close: () => void }> {
  const reader = participant.reader(fleetTopic)
  await reader.synced()
  const rows = new Map<string, FleetRow>()
  for (const [key, { value }] of reader.entries()) if (value !== undefined) rows.set(key, value)
  return { rows, close: () => reader.close() }
}
