// Terminates worker threads while they open and close resources of the addon. A mistake in the teardown of the addon
// crashes the whole process, so the test runs this program as a child.
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

const folder = new URL('../../src/topology/', import.meta.url).href
const source = `
  const { parentPort } = require('node:worker_threads')
  const load = (name) => import(${JSON.stringify(folder)} + name + '.js')
  Promise.all(['process/process-watch', 'cgroup/headroom-sampler', 'cgroup/headroom', 'numa/topology'].map(load)).then((modules) => {
    const { watchProcess, openHeadroomSampler, readHeadroom, readTopology } = Object.assign({}, ...modules)
    parentPort.postMessage('busy')
    for (let turn = 0; ; turn++) {
      const watch = watchProcess({ pid: process.pid }, () => {})
      const sampler = openHeadroomSampler()
      sampler.sample()
      readHeadroom()
      readTopology()
      if (turn % 2 === 0) watch.close()
      if (turn % 3 === 0) sampler.close()
    }
  })`

const rounds = Number(process.argv[2] ?? 20)
for (let round = 0; round < rounds; round++) {
  const worker = new Worker(source, { eval: true })
  await once(worker, 'message')
  await delay(round % 7)
  await worker.terminate()
}
process.stdout.write('survived')
