import t from 'tap'
import { changeLines, totalsLine } from '../../src/observe/change-lines.js'
import { sampleDocument, sampleIntent, sampleNode, sampleWorker } from './sample-document.js'

t.test('the first document yields a line for each entry', async (t) => {
  t.same(changeLines(undefined, sampleDocument({ intents: [sampleIntent()] })), [
    'node alpha/0 joined: 4 CPUs, 20.0 GiB of 24.0 GiB available',
    'worker w1 joined: working on alpha/0, pid 101',
    'intent drain of w1 by operator (kernel update)',
  ])
  t.match(
    changeLines(undefined, sampleDocument({ intents: [sampleIntent({ reason: 'apply drain by operator' })] })).at(-1),
    /^intent drain of w1 by operator$/,
    'an intent without a reason',
  )
})

t.test('a document without changes yields no line; load is not a change', async (t) => {
  const before = sampleDocument()
  t.same(changeLines(before, before), [])
  const after = sampleDocument({
    nodes: [sampleNode({ cpuHeadroomCores: 0.1, memoryAvailableBytes: 5 })],
    workers: [
      sampleWorker({ state: 'busy', inFlight: 1, admissionOpen: false, admissionReason: 'full', jobsCompleted: 9 }),
    ],
  })
  t.same(changeLines(before, after), [])
})

t.test('each change of a worker yields a line', async (t) => {
  const cases: [Parameters<typeof sampleWorker>[0], string][] = [
    [{ state: 'draining' }, 'worker w1: working → draining'],
    [{ liveliness: 'dead', cause: 'killed', detail: 'SIGKILL' }, 'worker w1: alive → dead (killed: SIGKILL)'],
    [{ liveliness: 'dead', cause: 'goodbye', pid: 102 }, 'worker w1: alive → dead (goodbye)'],
    [
      { state: 'busy', admissionOpen: false, admissionReason: 'node paused' },
      'worker w1: working → busy (node paused)',
    ],
    [{ pid: 202, jobsCompleted: 0 }, 'worker w1 returned: working on alpha/0, pid 202, was pid 101'],
  ]
  for (const [own, line] of cases) {
    t.same(changeLines(sampleDocument(), sampleDocument({ workers: [sampleWorker(own)] })), [line])
  }
})

t.test('a removed node or worker yields a line', async (t) => {
  const dead = sampleWorker({ liveliness: 'dead', cause: 'exited', detail: 'exit code 1' })
  t.same(changeLines(sampleDocument({ workers: [dead] }), sampleDocument({ nodes: [], workers: [] })), [
    'node alpha/0 left',
    'worker w1 is forgotten (it was dead (exited: exit code 1))',
  ])
})

t.test('each transition of an intent yields a line', async (t) => {
  const step = (transition: 'planned' | 'admitted' | 'aborted', reason: string | null = null) =>
    sampleDocument({ intents: [sampleIntent({ statuses: [{ workerId: 'w1', transition, reason }] })] })
  t.same(changeLines(sampleDocument({ intents: [sampleIntent()] }), step('planned')), [
    'intent drain of w1: w1 planned',
  ])
  t.same(changeLines(step('planned'), step('admitted')), ['intent drain of w1: w1 planned → admitted'])
  t.same(changeLines(step('admitted'), step('aborted', 'deadline')), [
    'intent drain of w1: w1 admitted → aborted (deadline)',
  ])
  t.same(changeLines(step('admitted'), step('admitted')), [])
})

t.test('no line can control the terminal', async (t) => {
  const lines = changeLines(undefined, sampleDocument({ workers: [sampleWorker({ workerId: 'a\u001b[2J\nb' })] }))
  t.equal(lines[1], 'worker a\\x1b[2J\\x0ab joined: working on alpha/0, pid 101')
})

t.test('totals are one line', async (t) => {
  t.equal(
    totalsLine(sampleDocument({ workers: [sampleWorker(), sampleWorker({ workerId: 'w2', jobsCompleted: 3 })] })),
    'workers: 1 available, 0 busy, 0 unhealthy, 0 draining; 10 jobs completed; 2.5 cores idle',
  )
})

t.test('each change of a node’s collector yields a line', async (t) => {
  const own = sampleNode().collector
  const stopped = { ...own, liveliness: 'stalled', cause: 'stopped' } as const
  const cases: [typeof own, typeof own, string[]][] = [
    [own, { ...own, livelinessForMs: 61_000 }, []],
    [
      own,
      { ...own, liveliness: 'dead', cause: 'goodbye' },
      ['node alpha/0: its collector (pid 100) alive → dead (goodbye)'],
    ],
    [own, stopped, ['node alpha/0: its collector (pid 100) alive → stalled (stopped)']],
    [stopped, { ...stopped, livelinessForMs: 99_000 }, []],
    [
      stopped,
      { ...own, pid: 300, adopted: true },
      ['node alpha/0: served by pid 300, which stands in for its own collector, was pid 100'],
    ],
    [{ ...own, pid: 300, adopted: true }, own, ['node alpha/0: served by pid 100, was pid 300']],
  ]
  for (const [before, after, expected] of cases) {
    const documents = [before, after].map((collector) => sampleDocument({ nodes: [sampleNode({ collector })] }))
    t.same(changeLines(documents[0], documents[1] ?? sampleDocument()), expected)
  }
})
