import t from 'tap'
import { statusLines } from '../../src/observe/status-table.js'
import type { StatusDocument } from '../../src/views/status/status-document.js'
import { sampleDocument, sampleIntent, sampleNode, sampleWorker } from './sample-document.js'

t.test('a plane is printed with its nodes, workers and intents', async (t) => {
  const lines = statusLines(
    sampleDocument({
      nodes: [sampleNode({ cpuQuotaCores: 1.5, memoryLimitBytes: 8 * 1024 ** 3 })],
      workers: [
        sampleWorker({ state: 'busy', inFlight: 1, admissionOpen: false, admissionReason: 'at its limit' }),
        sampleWorker({ workerId: 'w2', liveliness: 'dead', cause: 'killed', detail: 'SIGKILL', jobsFailed: 2 }),
        sampleWorker({ workerId: 'w3', state: 'busy', admissionOpen: false, admissionReason: 'node paused' }),
      ],
      intents: [
        sampleIntent({ statuses: [{ workerId: 'w1', transition: 'admitted', reason: null }] }),
        sampleIntent({ intentId: 'i2', action: 'lift', target: 'w2', reason: 'lift drain by operator' }),
      ],
    }),
  )
  t.equal(lines[0], 'domain 3: healthy, fresh, all known changes received, listening for 1 min')
  t.match(row(lines, 'alpha/0'), /^alpha\/0 +4 +2\.5 cores +20\.0 GiB +24\.0 GiB +1\.5 cores, 8\.0 GiB +1 +0 +0 +0$/)
  t.match(
    row(lines, 'w1'),
    /^w1 +alpha\/0 +101 +busy +alive +1 of 1 +7 +25 % +2\.0 GiB +120 ms$/,
    'a worker at its limit is busy',
  )
  t.match(row(lines, 'w2'), /dead \(killed: SIGKILL\).* 7, 2 failed/)
  t.match(row(lines, 'w3'), / busy \(node paused\) /)
  t.match(row(lines, 'drain'), /^drain +w1 +operator +admitted +kernel update$/)
  t.match(row(lines, 'lift drain'), /^lift drain +w2 +operator +not reported yet$/, 'an intent without a reason')
})

t.test('unplaced workers and absent nodes have their own lines', async (t) => {
  const { witness } = sampleDocument()
  const worker = { incarnation: 1, pid: 12, bootId: 'b', host: 'alpha', numaNode: 1, unservedForMs: 5_000 }
  const lines = statusLines(
    sampleDocument({
      witness: {
        ...witness,
        degradedMode: 'view-only',
        unplaced: [
          { ...worker, workerId: 'w8', reason: 'no-collector-for-node' },
          { ...worker, workerId: 'w9', reason: 'other-host-identity' },
        ],
        reportedElsewhere: [
          { host: 'beta', bootId: 'c', numaNode: 0, workers: 3, silentForMs: 90_000, reportedBy: ['scheduler'] },
        ],
      },
    }),
  )
  t.match(lines[0], /^domain 3: view-only, /)
  t.match(
    row(lines, 'worker w8'),
    'pid 12 on alpha/1) has not been served for 5.0 s: no collector serves its NUMA node',
  )
  t.match(row(lines, 'worker w9'), 'reports another boot id')
  t.match(row(lines, 'node beta/0'), 'as scheduler reports: it had 3 live workers')
})

t.test('a scheduler that withholds intents has a line, and no other has', async (t) => {
  const own = {
    schedulerId: 'g',
    name: 'sched',
    host: 'alpha',
    bootId: 'b',
    pid: 7,
    policies: ['p'],
    intentsInForce: 2,
  }
  const withheld = { reason: 'isolated', detail: '3 of 5 zones are silent', intents: 4 }
  const lines = statusLines(sampleDocument({ schedulers: [{ ...own, withheld }] }))
  t.ok(lines.includes('sched (pid 7 on alpha) withholds 4 intents: 3 of 5 zones are silent'))
  const quiet = statusLines(sampleDocument({ schedulers: [{ ...own, withheld: null }] }))
  t.notOk(quiet.some((line) => line.includes('sched')))
})

t.test('columns are aligned', async (t) => {
  const lines = statusLines(
    sampleDocument({ workers: [sampleWorker(), sampleWorker({ workerId: 'a-much-longer-name' })] }),
  )
  const columns = ['WORKER', 'w1', 'a-much'].map((start) => row(lines, start).search(/NODE|alpha/))
  t.equal(new Set(columns).size, 1, columns.join())
})

t.test('a plane without workers and intents is printed', async (t) => {
  const lines = statusLines(sampleDocument({ workers: [] }))
  t.ok(lines.includes('no workers'))
  t.notOk(lines.some((line) => line.startsWith('INTENT')))
})

t.test('a limit on intents keeps the latest', async (t) => {
  const intents = ['a', 'b', 'c'].map((target) => sampleIntent({ intentId: target, target }))
  const shown = statusLines(sampleDocument({ intents }), { intents: 2 }).filter((line) => line.startsWith('drain'))
  t.match(shown, [/ b /, / c /])
  t.equal(shown.length, 2)
})

t.test('several workers may report on one intent', async (t) => {
  const statuses = ['w1', 'w2', 'w3'].map((workerId) => ({
    workerId,
    transition: workerId === 'w3' ? ('admitted' as const) : ('completed' as const),
    reason: null,
  }))
  const lines = statusLines(sampleDocument({ intents: [sampleIntent({ kind: 'pause-node', statuses })] }))
  t.match(row(lines, 'pause-node'), /2 completed, admitted/)
})

t.test('no cell can control the terminal', async (t) => {
  const hostile = '\u001b[31mw\n1'
  const lines = statusLines(
    sampleDocument({
      nodes: [sampleNode({ host: hostile })],
      workers: [sampleWorker({ workerId: hostile, detail: hostile, cause: 'killed' })],
      intents: [sampleIntent({ reason: hostile, issuer: hostile, target: hostile })],
    }),
  )
  for (const line of lines) t.notMatch(line, /\p{Cc}/u)
})

function row(lines: readonly string[], start: string): string {
  return lines.find((line) => line.startsWith(start)) ?? `no row starts with ${start}`
}

t.test('a node whose collector is not alive shows the participant that serves it', async (t) => {
  const own = sampleNode().collector
  const linesOf = (collector: typeof own): string =>
    statusLines(sampleDocument({ nodes: [sampleNode({ collector, ageMs: 9_000 })] })).join('\n')
  t.notMatch(linesOf(own), /collector|served/)
  t.match(
    linesOf({ ...own, liveliness: 'stalled', cause: 'stopped', livelinessForMs: 8_000 }),
    /^the collector of alpha\/0 \(pid 100\) has been stalled \(stopped\) for 8\.0 s: its last report is 9\.0 s old$/m,
  )
  t.match(
    linesOf({ ...own, pid: 300, adopted: true }),
    /^alpha\/0 is served by pid 300, which stands in for its own collector$/m,
  )
})

t.test('an intent is shown by the name of its node, unless two hosts share that name', (t) => {
  const alpha = sampleNode({ bootId: 'boot-a', host: 'alpha' })
  const intent = sampleIntent({ kind: 'pause-node', target: 'boot-a/0' })
  const shown = (nodes: StatusDocument['nodes']): string =>
    statusLines(sampleDocument({ nodes, intents: [intent] })).find((line) => line.startsWith('pause-node')) ?? ''
  t.match(shown([alpha]), /alpha\/0/)
  t.match(shown([alpha, sampleNode({ bootId: 'boot-b', host: 'alpha' })]), /boot-a\/0/)
  t.end()
})
