// MQTT 3.1.1, QoS 0: a mosquitto in the middle, MQTT.js at both ends. The address is the broker's port.
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { connectAsync, type MqttClient } from 'mqtt'
import type { Link, LinkRole } from './link.js'
import { type ServerProcess, startServer } from './server-process.js'

export function startMosquitto(): Promise<ServerProcess> {
  return startServer('mosquitto', (port, folder) => {
    const file = path.join(folder, 'mosquitto.conf')
    // No limit on what waits for a subscriber, and no Nagle delay.
    const lines = [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      'max_queued_messages 0',
      'set_tcp_nodelay true',
    ]
    writeFileSync(file, `${[...lines, 'log_type error'].join('\n')}\n`)
    return ['-c', file]
  })
}

export function connectMosquitto(port: number): Promise<MqttClient> {
  return connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 })
}

export async function openLink(address: string, role: LinkRole, onMessage: (message: Buffer) => void): Promise<Link> {
  const client = await connectMosquitto(Number(address))
  client.on('message', (_topic, message) => onMessage(message))
  await client.subscribeAsync(role === 'near' ? 'back' : 'there', { qos: 0 })
  const topic = role === 'near' ? 'there' : 'back'
  return {
    send: (message) => {
      client.publish(topic, message, { qos: 0 })
    },
    close: () => client.endAsync(),
  }
}
