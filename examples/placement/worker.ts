// Runs the jobs that a dispatcher sends by HTTP. A reactive worker is asked before by an offer, and may decline.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { reactive, Worker } from 'numacast'
import { capability, type Job, urlLabel } from './job.js'
import { untilAsked } from './until-asked.js'

const [workerId = 'w1', admission = 'fixed'] = process.argv.slice(2)

const server = createServer((request, response) => {
  serve(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo

const worker = await Worker.start({
  workerId,
  numaNode: 0,
  concurrency: 2,
  capabilities: [capability],
  labels: { [urlLabel]: `http://127.0.0.1:${port}` },
  admission: admission === 'reactive' ? reactive() : { kind: 'fixed' },
})
console.log(`${workerId} takes jobs on port ${port}, pid ${process.pid}`)
await untilAsked()
await worker.close()
server.close()
server.closeAllConnections()

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { jobId, text, ms } = (await json(request)) as Job
  // Its own admission has the last word: a dispatcher may have decided on an old view.
  const slot = worker.trySlot()
  if (slot === undefined) {
    response.writeHead(503).end(worker.admission.reason ?? 'no slot is free')
    return
  }
  console.log(`begin ${jobId}`)
  const digest = await slot.run(jobId, async (signal) => {
    await pause(ms, undefined, { signal })
    return createHash('sha256').update(text).digest('hex')
  })
  response.end(digest)
}
