import t from 'tap'
import { layOutPlane } from '../../../src/cli/supervisor/plane-layout.js'

const memoryTotalBytes = 2 ** 30

t.test('each node gets a collector, and workers are spread over the nodes that can run them', async (t) => {
  const layout = layOutPlane({
    domain: 7,
    workers: 5,
    nodes: [
      { id: 0, cpus: [0, 1], memoryTotalBytes, allowed: true },
      { id: 2, cpus: [2, 3], memoryTotalBytes: 0, allowed: false },
      { id: 3, cpus: [], memoryTotalBytes, allowed: true },
      { id: 4, cpus: [4], memoryTotalBytes, allowed: false },
    ],
  })
  t.same(
    layout.collectors.map(({ args }) => args.join(' ')),
    [0, 2, 3, 4].map((id) => `collector --numa-node ${id} --domain 7`),
  )
  t.same(
    layout.schedulers.map(({ args }) => args.join(' ')),
    ['scheduler --domain 7'],
  )
  t.same(
    layout.workers.map(({ args }) => args.join(' ')),
    [0, 2, 0, 2, 0].map((node, index) => `worker --id w${index + 1} --numa-node ${node} --domain 7`),
  )
  t.ok([...layout.collectors, ...layout.schedulers].every(({ restarts }) => restarts))
  t.notOk(
    layout.workers.some(({ restarts }) => restarts),
    'a dead worker stays visible',
  )
})

t.test('workers run unpinned when no node can run them', async (t) => {
  const layout = layOutPlane({ domain: 0, workers: 1, nodes: [{ id: 0, cpus: [0], memoryTotalBytes, allowed: false }] })
  t.same(layout.workers[0]?.args, ['worker', '--id', 'w1', '--domain', '0'])
})

t.test('a layout without workers is empty', async (t) => {
  t.same(
    layOutPlane({ domain: 0, workers: 0, nodes: [{ id: 0, cpus: [0], memoryTotalBytes, allowed: true }] }).workers,
    [],
  )
})
