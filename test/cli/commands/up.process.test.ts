import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { Worker } from '../../../src/roles/worker/worker.js'
import { eventually } from '../../../src/testing/eventually.js'
import { childrenOf, isRunning } from '../../../src/testing/processes/child-processes.js'
import { readTopology } from '../../../src/topology/numa/topology.js'
import type { StatusDocument } from '../../../src/views/status/status-document.js'
import { claimDomain } from '../../support/domain-lock.js'
import { inetSocketsOf, openInodes } from '../../support/inet-sockets.js'
import { askPlane, startPlane } from '../../support/plane.js'
import { cliProgram, explainFailure, runCli, startCli } from '../../support/run-cli.js'
import { Terminal } from '../../support/terminal.js'

t.setTimeout(900_000)

const { nodes } = readTopology()

t.test('up --duration ends by itself; --json prints the plane as it was while it ran', async (t) => {
  const domain = await claimDomain(t)
  const args = ['up', '--workers', '3', '--duration', '2', '--json', '--domain', String(domain)]
  // On a machine that is short of CPU some participants may not be alive yet.
  const { document, stderr } = await eventually('the document of a plane that has come up in time', async () => {
    const { code, stdout, stderr } = await runCli(args)
    t.equal(stdout.trimEnd().split('\n').length, 1, 'one line')
    const document: StatusDocument = JSON.parse(stdout)
    t.equal(code, document.witness.degradedMode === 'healthy' ? 0 : 1, stderr)
    const isUp = document.workers.length === 3 && document.workers.every(({ liveliness }) => liveliness === 'alive')
    return isUp && document.witness.degradedMode === 'healthy' ? { document, stderr } : undefined
  })
  t.equal(document.domain, domain)
  t.same(
    document.nodes.map(({ numaNode, cpus }) => ({ numaNode, cpus })),
    nodes.map(({ id, cpus }) => ({ numaNode: id, cpus: cpus.length })),
    'the nodes of this machine',
  )
  const memoryBytes = document.nodes.reduce((sum, node) => sum + node.memoryTotalBytes, 0)
  const ofNodesBytes = nodes.reduce((sum, node) => sum + (node.memoryTotalBytes ?? 0), 0)
  t.ok([ofNodesBytes, os.totalmem()].includes(memoryBytes), `${memoryBytes} bytes: the memory of this machine`)
  t.same(document.workers.map(({ workerId }) => workerId).sort(), ['w1', 'w2', 'w3'])
  for (const worker of document.workers) t.equal(worker.cause, null, worker.workerId)
  t.match(stderr, /worker w1 joined/, 'changes go to stderr')
  t.match(stderr, /draining/)
})

t.test('up --json exits with 1 and the reason if its document is not healthy', async (t) => {
  const domain = await claimDomain(t)
  const up = startCli(['up', '--workers', '1', '--json', '--domain', String(domain)])
  t.teardown(() => up.child.kill('SIGKILL'))
  explainFailure(t, up)
  // A node that this machine lacks: no collector can serve its worker.
  const lost = await Worker.start({ workerId: 'lost', domain, numaNode: 77 })
  t.teardown(() => lost.close())
  await eventually('another view names the worker', async () => {
    const { stderr } = await runCli(['status', '--domain', String(domain)])
    return /no collector serves worker lost/.test(stderr)
  })
  up.child.kill('SIGTERM')
  const { code, stdout, stderr } = await up.finished()
  t.equal(code, 1)
  t.match(JSON.parse(stdout), { witness: { degradedMode: 'view-only', unplaced: [{ workerId: 'lost' }] } })
  t.match(stderr, /^numacast: the plane is not healthy: no collector serves worker lost$/m)
})

t.test('docs/status.md documents every field', async (t) => {
  const plane = await startPlane(t, ['--workers', '1'])
  await plane.worker('w1')
  const drained = await askPlane(['intent', 'drain', 'w1', '--domain', String(plane.domain)])
  t.equal(drained.code, 0, drained.stdout + drained.stderr)
  const document = await eventually('an intent with a report', async () => {
    const status = await plane.status()
    return status?.intents.some(({ statuses }) => statuses.length > 0) ? status : undefined
  })
  const page = readFileSync(path.resolve(import.meta.dirname, '../../../../docs/status.md'), 'utf8')
  const documented = new Set(
    [...page.matchAll(/`([a-z]\w*(?:\[\])?(?:\.\w+)*)`(?=[ ,|][^\n]*\|)/g)].map(([, field]) => field),
  )
  for (const field of fieldsOf(document)) t.ok(documented.has(field), field)
})

t.test('workers complete jobs, and a late joiner sees their counts', async (t) => {
  const plane = await startPlane(t, ['--workers', '2'])
  for (const workerId of ['w1', 'w2']) {
    const worker = await plane.worker(workerId, ({ jobsCompleted }) => jobsCompleted > 0)
    t.equal(worker.jobsFailed, 0)
    t.ok(isRunning(worker.pid))
  }
})

t.test('Ctrl-C drains the workers and leaves no socket, file or process', async (t) => {
  const scratch = path.join(t.testdir({}), 'tmp')
  mkdirSync(scratch)
  const plane = await startPlane(t, ['--workers', '2', '--json'], { TMPDIR: scratch })
  for (const workerId of ['w1', 'w2']) await plane.worker(workerId, ({ jobsCompleted }) => jobsCompleted > 0)
  const count = nodes.length + 3
  const pids = await eventually(`${count} children: collectors, a scheduler and two workers`, () => {
    const children = childrenOf(plane.up.pid)
    return children.length === count ? children : undefined
  })
  for (const workerId of ['w1', 'w2']) {
    await eventually(`it knows ${workerId} itself`, () => plane.up.stderr().includes(`worker ${workerId} joined`))
  }
  const sockets = inetSocketsOf([plane.up.pid, ...pids])
  t.ok(sockets.length > 0, 'sockets were found')

  // The terminal signals the process group, and npm forwards its own copy: two signals at once count as one.
  plane.up.child.kill('SIGINT')
  plane.up.child.kill('SIGINT')
  const { code, stdout, stderr } = await plane.up.finished()
  t.equal(code, 0, stderr)
  t.equal(JSON.parse(stdout).workers.length, 2, 'the state before the drain')
  t.notMatch(stderr, /ended|killed/, 'every process stopped cleanly')
  t.same(pids.filter(isRunning), [])
  const open = openInodes()
  t.same(
    sockets.filter(({ inode }) => open.has(inode)),
    [],
  )
  t.same(readdirSync(scratch), [])
})

t.test('in a terminal `up` draws a live table, and Ctrl-C reaches only `up`', async (t) => {
  const domain = await claimDomain(t)
  const command = `stty rows 50 cols 200; exec ${process.execPath} ${cliProgram} up --workers 2 --domain ${domain}`
  const script = spawn('script', ['-qefc', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => script.kill('SIGTERM'))
  const screen = new Terminal(50)
  script.stdout.setEncoding('utf8').on('data', (text: string) => screen.write(text))
  await eventually('the workers are shown', () => /^w1 .*alive[\s\S]*^w2 .*alive/m.test(screen.text()) || undefined)
  t.equal(screen.modes.get('25'), false, 'the cursor is hidden')
  await eventually(
    'the table is redrawn in place',
    () => /^w1 .* alive +\d of 1 +[1-9]/m.test(screen.text()) || undefined,
  )
  t.equal(screen.text().split('WORKER').length, 2, 'the table is on the screen once')

  script.stdin.write('\u0003')
  const [code] = await once(script, 'close')
  t.equal(code, 0, screen.text())
  t.match(screen.text(), /^(\^C)?draining: workers finish their job/m)
  t.notMatch(screen.text(), /ended/, 'Ctrl-C reached no other process')
  t.equal(screen.modes.get('25'), true, 'the cursor is visible again')
  t.equal(screen.modes.get('7'), true, 'long lines wrap again')
})

t.test('`up` that is killed by SIGKILL leaves no socket or process', async (t) => {
  const plane = await startPlane(t, ['--workers', '2'])
  await plane.worker('w2')
  const pids = childrenOf(plane.up.pid)
  const sockets = inetSocketsOf([plane.up.pid, ...pids])
  t.ok(sockets.length > 0, 'sockets were found')
  plane.up.child.kill('SIGKILL')
  await eventually('its children stop', () => (pids.some(isRunning) ? undefined : true))
  // The kernel frees sockets when the last thread has ended, which may be after the process counts as gone.
  await eventually('their sockets are gone', () => {
    const open = openInodes()
    return !sockets.some(({ inode }) => open.has(inode))
  })
})

t.test('a second Ctrl-C ends everything at once', async (t) => {
  const plane = await startPlane(t, ['--workers', '1'])
  const { pid } = await plane.worker('w1')
  const pids = childrenOf(plane.up.pid)
  process.kill(pid, 'SIGSTOP')
  plane.up.child.kill('SIGINT')
  await eventually('it drains', () => (plane.up.stdout().includes('draining') ? true : undefined))
  const again = setInterval(() => plane.up.child.kill('SIGINT'), 100)
  const { code } = await plane.up.finished()
  clearInterval(again)
  t.equal(code, 130)
  await eventually('all are gone', () => (pids.some(isRunning) ? undefined : true))
})

t.test('a collector or a scheduler that dies is restarted', async (t) => {
  const plane = await startPlane(t, ['--workers', '1'])
  await plane.worker('w1')
  const collectorPid = await plane.collectorPid()
  process.kill(collectorPid, 'SIGKILL')
  await eventually('another collector with the same worker', async () => {
    const status = await plane.status()
    const [node] = status?.nodes ?? []
    return node !== undefined &&
      node.collector.pid !== collectorPid &&
      node.collector.liveliness === 'alive' &&
      status?.workers.some(({ workerId, liveliness }) => workerId === 'w1' && liveliness === 'alive')
      ? true
      : undefined
  })
  const told = new RegExp(
    `collector of node \\d+ \\(pid ${collectorPid}\\) ended: SIGKILL; starting it again in 0\\.25 s`,
  )
  await eventually('the restart is reported', () => told.test(plane.up.stdout()))
})

t.test('`up` on a node that another collector serves names that collector and ends', async (t) => {
  const plane = await startPlane(t, ['--workers', '1'])
  const { pid } = await plane.worker('w1')
  const served = await plane.found()
  const second = startCli(['up', '--workers', '1', '--domain', String(plane.domain)])
  t.teardown(() => second.child.kill('SIGKILL'))
  explainFailure(t, second)
  const other = new RegExp(`\\b${served.nodes[0]?.collector.pid}\\b`)
  await eventually('`up` names the pid of the other collector', () => other.test(second.stdout() + second.stderr()))
  const { code } = await second.finished()
  t.equal(code, 1)
  t.match(
    await plane.found(),
    { nodes: served.nodes.map(({ numaNode }) => ({ numaNode })) },
    'the first plane keeps running',
  )
  const worker = await plane.worker('w1', ({ liveliness }) => liveliness === 'alive')
  t.equal(worker.pid, pid, 'the worker of that name keeps running')
})

/** Returns the leaves of a document as `a`, `b[].c`, …; a list below a list of records counts as one leaf. */
function fieldsOf(value: object, prefix = '', depth = 0): Set<string> {
  const fields = new Set<string>()
  for (const [name, inner] of Object.entries(value)) {
    const field = `${prefix}${name}`
    if (Array.isArray(inner) && depth === 0) {
      for (const item of inner) for (const leaf of fieldsOf(item, `${field}[].`, depth + 1)) fields.add(leaf)
    } else if (inner !== null && typeof inner === 'object' && !Array.isArray(inner) && name !== 'labels') {
      for (const leaf of fieldsOf(inner, `${field}.`, depth + 1)) fields.add(leaf)
    } else {
      fields.add(field)
    }
  }
  return fields
}
