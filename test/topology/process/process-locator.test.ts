import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { addonStatus } from '../../../src/topology/addon/addon.js'
import { pidNamespace } from '../../../src/topology/host/host-identity.js'
import { innermostPid, type NamespacedProcess, ProcessLocator } from '../../../src/topology/process/process-locator.js'
import { processStartTime, readProcessState } from '../../../src/topology/process/process-state.js'
import { watchProcess } from '../../../src/topology/process/process-watch.js'
import { requirement } from '../../support/requirement.js'

t.setTimeout(120_000)

t.test('the innermost pid is read from a status file', (t) => {
  t.equal(innermostPid('Name:\tsh\nNSpid:\t4242\t17\t3\nNSpgid:\t1\t1\t1\n'), 3)
  t.equal(innermostPid('Name:\tsh\nNSpid:\t4242\n'), null, 'one namespace only')
  t.equal(innermostPid('Name:\tsh\n'), null)
  t.equal(innermostPid('NSpid:\tx\ty\n'), null)
  t.end()
})

t.test('an unidentified process is not located', (t) => {
  const locator = new ProcessLocator()
  const own = pidNamespace()
  t.strictSame(locator.locate({ pid: 42, pidNamespace: null, startTimeTicks: 1 }), {
    pid: null,
    reason: 'unidentified',
    retryMs: null,
  })
  if (own !== null) t.strictSame(locator.locate({ pid: 42, pidNamespace: own, startTimeTicks: null }), { pid: 42 })
  const foreign = { pid: 42, pidNamespace: 1, startTimeTicks: 7 }
  t.match(locator.locate(foreign), { pid: null, reason: /not-visible|no-proc/ })
  t.match(locator.locate({ ...foreign, startTimeTicks: null }), { pid: null, reason: 'unidentified' })
  t.end()
})

t.test('processes are listed at most once a second, and less often for a process that was not found', (t) => {
  let nowMs = 0
  let reads = 0
  const locator = new ProcessLocator({
    nowMs: () => nowMs,
    ownNamespace: 1,
    listNested: () => {
      reads++
      return new Map()
    },
  })
  const stranger = (pid: number): NamespacedProcess => ({ pid, pidNamespace: 2, startTimeTicks: 5 })
  t.match(locator.locate(stranger(1)), { pid: null, reason: 'not-visible', retryMs: null })
  nowMs = 400
  for (let pid = 2; pid <= 50; pid++) {
    t.match(locator.locate(stranger(pid)), { pid: null, reason: 'not-yet-seen', retryMs: 600 }, 'it may be new')
  }
  t.equal(reads, 1)
  nowMs = 1_000
  t.match(locator.locate(stranger(1)), { reason: 'not-visible' })
  t.equal(reads, 1, 'missed already')
  for (let pid = 2; pid <= 50; pid++) t.match(locator.locate(stranger(pid)), { reason: 'not-visible', retryMs: null })
  t.equal(reads, 2, 'one listing serves all')
  nowMs = 29_999
  locator.locate(stranger(1))
  t.equal(reads, 2)
  nowMs = 31_000
  locator.locate(stranger(1))
  t.equal(reads, 3)
  t.end()
})

t.test('a failed listing decides nothing', (t) => {
  let nowMs = 0
  let fails = true
  const locator = new ProcessLocator({
    nowMs: () => nowMs,
    ownNamespace: 1,
    listNested: () => {
      if (fails) throw Object.assign(new Error('EMFILE'), { code: 'EMFILE', syscall: 'scandir' })
      return new Map([['2 7', [process.pid]]])
    },
  })
  const began = processStartTime(process.pid)
  const target: NamespacedProcess = { pid: 7, pidNamespace: 2, startTimeTicks: began ?? 1 }
  t.match(locator.locate(target), { pid: null, reason: 'not-yet-seen', retryMs: 1_000 })
  fails = false
  nowMs = 500
  t.match(locator.locate(target), { pid: null, reason: 'not-yet-seen', retryMs: 500 })
  nowMs = 1_000
  t.match(locator.locate(target), { pid: began === null ? null : process.pid })
  t.end()
})

/** A process in a new PID namespace, with its own view of its identity. `unshare --fork` stays outside, as its parent. */
async function contained(t: Test, depth: number): Promise<NamespacedProcess & { end(signal: string): void }> {
  const script =
    'echo "$$ $(stat -L -c %i /proc/self/ns/pid) $(cut -d" " -f22 /proc/$$/stat)"; read order; kill -$order $$'
  const enter = Array.from({ length: depth }, () => ['unshare', '--pid', '--fork', '--mount-proc']).flat()
  const [program = '', ...args] = [...enter, 'sh', '-c', script]
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] })
  t.teardown(() => void child.kill('SIGKILL'))
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const [pid = 0, pidNamespace = 0, startTimeTicks = 0] = line.split(' ').map(Number)
  return { pid, pidNamespace, startTimeTicks, end: (signal) => void child.stdin.write(`${signal}\n`) }
}

const isPossible = process.getuid?.() === 0 && addonStatus().available
if (
  requirement(
    t,
    'root and the addon',
    isPossible,
    'only root creates PID namespaces, and start times come from the addon',
  )
) {
  for (const depth of [1, 2]) {
    t.test(
      `a process ${depth} PID namespace${depth === 1 ? '' : 's'} below is found, watched, and not confused`,
      async (t) => {
        const inside = await contained(t, depth)
        t.not(inside.pidNamespace, pidNamespace())
        const locator = new ProcessLocator()
        const { pid } = locator.locate(inside)
        if (pid === null) throw new Error('it was not found')
        t.not(pid, inside.pid)
        t.equal(statSync(`/proc/${pid}/ns/pid`).ino, inside.pidNamespace)
        t.equal(processStartTime(pid), inside.startTimeTicks)
        t.strictSame(locator.locate(inside), { pid }, 'from memory')
        const other = new ProcessLocator()
        t.match(other.locate({ ...inside, startTimeTicks: (inside.startTimeTicks ?? 0) + 2 }), {
          reason: 'not-visible',
        })
        t.match(new ProcessLocator().locate({ ...inside, pid: inside.pid + 1 }), { reason: 'not-visible' })

        const exit = new Promise<{ signal: string | null }>((resolve) => {
          watchProcess({ pid, startTime: inside.startTimeTicks }, resolve).ref()
        })
        process.kill(pid, 'SIGKILL')
        await exit
        t.match(readProcessState(pid)?.state ?? 'gone', /^(Z|X|gone)$/)
      },
    )
  }
}
