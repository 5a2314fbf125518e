// A worker that holds a key with a time to live, and renews it.   node ttl-worker.js PORT NAME TTL_MS INTERVAL_MS
import { connectRedis } from '../peers/redis.js'
import { obeyBench, report } from './member-program.js'

const [port, name = '', ttlMs, intervalMs] = process.argv.slice(2)
obeyBench()
const client = await connectRedis(Number(port))
const renew = (): Promise<unknown> => client.set(name, '1', { expiration: { type: 'PX', value: Number(ttlMs) } })
await renew()
// A refused command would be an unhandled rejection, which ends the process: a failed measurement.
setInterval(() => void renew(), Number(intervalMs))
report({ kind: 'ready' })
