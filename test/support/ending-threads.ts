// Runs worker threads that hold every resource of the addon, and ends them, or the whole process, in one way:
// return, exit, throw, terminate, main-exit or main-throw. Prints how many descriptors the threads left behind. A
// mistake in the addon's cleanup ends the process by a signal, so a test runs this as a child.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { Worker } from 'node:worker_threads'

const mode = process.argv[2] ?? 'return'
const threads = 3
const folder = new URL('../../src/topology/', import.meta.url).href
const source = `
  const { parentPort, workerData } = require('node:worker_threads')
  const { mode, folder, pid, file } = workerData
  const modules = ['process/process-watch', 'cgroup/pressure-watch', 'cgroup/cgroup-events-watch', 'cgroup/headroom-sampler',
    'socket/udp-sockets', 'addon/addon']
  Promise.all(modules.map((name) => import(folder + name + '.js'))).then((all) => {
    const { watchProcess, watchPressure, watchCgroupEvents, openHeadroomSampler, readUdpSockets, nativeAddon } =
      Object.assign({}, ...all)
    const kept = []
    for (let index = 0; index < 10; index++) {
      kept.push(watchProcess({ pid: process.pid }, () => {}), watchProcess({ pid }, () => {}))
      kept.push(watchPressure({ resource: 'cpu', kind: 'some', stallUs: 100_000, windowUs: 2_000_000, scope: 'system' }, () => {}))
      // Any file stands in for a cgroup file: this machine may not have cgroup v2.
      kept.push(nativeAddon().watchFile(file, () => {}))
      const sampler = openHeadroomSampler()
      sampler.sample()
      kept.push(sampler)
      readUdpSockets()
    }
    globalThis.kept = kept
    if (mode !== 'return') kept[0].ref()
    parentPort.on('message', () => {
      if (mode === 'exit') process.exit(0)
      if (mode === 'throw') throw new Error('from the thread')
      if (mode === 'return') parentPort.close()
    })
    parentPort.postMessage('holds')
  })`

const count = (): number => readdirSync('/proc/self/fd').length

async function round(): Promise<void> {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' })
  const closed = once(child, 'close')
  const workerData = { mode, folder, pid: child.pid, file: process.argv[1] }
  const workers = Array.from({ length: threads }, () => new Worker(source, { eval: true, workerData }))
  const ended = workers.map((worker) => {
    worker.on('error', () => {})
    return new Promise((resolve) => worker.once('exit', resolve))
  })
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  // The watched process ends at the same time.
  child.kill('SIGKILL')
  if (mode === 'main-exit') process.exit(0)
  if (mode === 'main-throw') throw new Error('from the main thread')
  for (const worker of workers) {
    if (mode === 'terminate') void worker.terminate()
    else worker.postMessage('end')
  }
  await Promise.all(ended)
  await closed
}

// The first round opens descriptors that the process keeps, such as those of libuv.
await round()
const before = count()
for (let index = 0; index < 2; index++) await round()
process.stdout.write(JSON.stringify({ left: count() - before }))
