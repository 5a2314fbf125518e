/**
 * A program with a participant in the main thread and one in each of several worker threads. The threads end without closing
 * theirs. Usage: thread-endings.js exit|throw|terminate|main-exit
 */
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { defineTopic, Lane } from '../../src/pubsub/model/topic.js'
import { joinDomain } from '../../src/pubsub/participant.js'
import { until } from '../../src/testing/eventually.js'

const threads = 3
type Value = { readonly id: string; readonly n: number }
const topics = [Lane.datagram, Lane.stream].map((lane) =>
  defineTopic<Value>({ name: `threads.${lane}`, key: 'id', fields: ['id', 'n'], lane }),
)

if (isMainThread) await runMain(process.argv[2] ?? '')
else await runThread(workerData)

async function runMain(ending: string): Promise<void> {
  const domain = Number(process.env.DOMAIN)
  const participant = await joinDomain({ domain, name: 'main' })
  const readers = topics.map((topic) => participant.reader(topic))
  const writers = topics.map((topic) => participant.writer(topic))
  for (const writer of writers) writer.write({ id: 'main', n: 0 })
  const workers = Array.from(
    { length: threads },
    (_, id) => new Worker(new URL(import.meta.url), { workerData: { domain, ending, id } }),
  )
  const exits = workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve)))
  for (const worker of workers) worker.on('error', ({ message }) => console.log(`error: ${message}`))
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  await until('main to receive what the threads wrote', () => readers.every((reader) => reader.size === threads + 1))
  if (ending === 'main-exit') process.exit(7)
  for (const worker of workers) {
    if (ending === 'terminate') void worker.terminate()
    else worker.postMessage('end')
  }
  await Promise.all(exits)
  // The main thread's own sockets still work, and so do those of a thread that starts now and closes its participant.
  const last = new Worker(new URL(import.meta.url), { workerData: { domain, ending: 'close', id: 'last' } })
  const lastExit = once(last, 'exit')
  await once(last, 'message')
  await until('main to receive what the last thread wrote', () =>
    readers.every((reader) => reader.get('last') !== undefined),
  )
  last.postMessage('end')
  await lastExit
  await participant.close()
  console.log('closed')
}

async function runThread({ domain, ending, id }: { domain: number; ending: string; id: unknown }): Promise<void> {
  const participant = await joinDomain({ domain, name: `thread ${id}` })
  const readers = topics.map((topic) => participant.reader(topic))
  for (const topic of topics) participant.writer(topic).write({ id: String(id), n: 1 })
  await until('the thread to receive what main wrote', () =>
    readers.every((reader) => reader.get('main') !== undefined),
  )
  parentPort?.on('message', async () => {
    if (ending === 'exit') process.exit(0)
    if (ending === 'throw') throw new Error('thrown in a thread')
    await participant.close()
    parentPort?.close()
  })
  parentPort?.postMessage('ready')
}
