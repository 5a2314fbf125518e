// MQTT: a subscription to retained messages, until all have arrived. MQTT does not report that. The address is the port.
import { type FleetRow, fleetRow } from './fleet.js'
import type { Joiner } from './joiner.js'
import { connectMosquitto } from './mqtt.js'

const prefix = 'fleet/'

export async function fillMosquitto(port: number, size: number): Promise<void> {
  const client = await connectMosquitto(port)
  const rows = Array.from({ length: size }, (_, index) => fleetRow(index))
  await Promise.all(
    rows.map((row) => client.publishAsync(prefix + row.workerId, JSON.stringify(row), { qos: 1, retain: true })),
  )
  await client.endAsync()
}

/** The client is connected. */
export async function openJoiner(address: string, size: number): Promise<Joiner> {
  const client = await connectMosquitto(Number(address))
  return {
    join: () =>
      new Promise((resolve, reject) => {
        const rows = new Map<string, FleetRow>()
        client.on('message', (topic, message) => {
          rows.set(topic.slice(prefix.length), JSON.parse(message.toString()) as FleetRow)
          if (rows.size === size) resolve(rows)
        })
        client.subscribeAsync(`${prefix}#`, { qos: 0 }).catch(reject)
      }),
    async leave() {
      client.removeAllListeners('message')
      await client.unsubscribeAsync(`${prefix}#`)
    },
    close: () => client.endAsync(),
  }
}
