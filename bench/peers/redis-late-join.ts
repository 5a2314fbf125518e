// Redis: HGETALL of a hash of JSON texts, each parsed. The address is the server's port.
import { type FleetRow, fleetRow } from './fleet.js'
import type { Joiner } from './joiner.js'
import { connectRedis, type RedisClient } from './redis.js'

const hash = 'fleet'

export async function fillRedis(port: number, size: number): Promise<void> {
  const client = await connectRedis(port)
  const rows = Array.from({ length: size }, (_, index) => fleetRow(index))
  await Promise.all(rows.map((row) => client.hSet(hash, row.workerId, JSON.stringify(row))))
  await client.close()
}

/** The client is connected. */
export async function openConnected(address: string): Promise<Joiner> {
  const client = await connectRedis(Number(address))
  return { join: () => readAll(client), close: () => client.close() }
}

/** Connecting counts. */
export async function openCold(address: string): Promise<Joiner> {
  let client: RedisClient | undefined
  return {
    async join() {
      client = await connectRedis(Number(address))
      return readAll(client)
    },
    leave: () => client?.close(),
    close: () => Promise.resolve(),
  }
}

async function readAll(client: RedisClient): Promise<Map<string, FleetRow>> {
  const texts = await client.hGetAll(hash)
  const rows = new Map<string, FleetRow>()
  for (const [key, text] of Object.entries(texts)) rows.set(key, JSON.parse(text) as FleetRow)
  return rows
}
