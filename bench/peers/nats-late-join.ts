// NATS: a watch on a JetStream key-value bucket (in memory) until it has brought all values. The address is the port.
import { Kvm } from '@nats-io/kv'
import { type FleetRow, fleetRow } from './fleet.js'
import type { Joiner } from './joiner.js'
import { connectNats } from './nats.js'

const bucket = 'fleet'
const atOnce = 500

export async function fillNats(port: number, size: number): Promise<void> {
  const connection = await connectNats(port)
  const store = await new Kvm(connection).create(bucket, { history: 1, storage: 'memory' as never })
  for (let start = 0; start < size; start += atOnce) {
    const rows = Array.from({ length: Math.min(atOnce, size - start) }, (_, index) => fleetRow(start + index))
    await Promise.all(rows.map((row) => store.put(row.workerId, JSON.stringify(row))))
  }
  await connection.close()
}

/** The client is connected and has opened the bucket. */
export async function openJoiner(address: string): Promise<Joiner> {
  const connection = await connectNats(Number(address))
  const store = await new Kvm(connection).open(bucket)
  let stop: () => void
  return {
    async join() {
      const rows = new Map<string, FleetRow>()
      const watch = await store.watch()
      stop = () => watch.stop()
      for await (const entry of watch) {
        rows.set(entry.key, entry.json<FleetRow>())
        if (entry.delta === 0) break
      }
      return rows
    },
    leave: () => stop(),
    close: () => connection.close(),
  }
}
