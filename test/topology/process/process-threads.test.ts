import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import os from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { eventually } from '../../../src/testing/eventually.js'
import { nativeAddon } from '../../../src/topology/addon/addon.js'
import { readProcessState } from '../../../src/topology/process/process-state.js'
import { type ProcessExit, watchProcess } from '../../../src/topology/process/process-watch.js'
import { requirement } from '../../support/requirement.js'
import { compileThreads, temporaryFolder, WatchedProcess } from '../../support/watched-process.js'

/** The end of a multithreaded process is detected early, reported correctly, and never reported for a live process. */

const rounds = Number(process.env.NUMACAST_FAULT_ROUNDS ?? 1)
const [major = 0, minor = 0] = os.release().split('.').map(Number)
/** PIDFD_THREAD: older kernels report only the pidfd of the process. */
const isEarly = major > 6 || (major === 6 && minor >= 9)
/** PIDFD_GET_INFO: older kernels do not report how a reaped process ended. */
const isTold = major > 6 || (major === 6 && minor >= 15)

type Ending = Pick<ProcessExit, 'cause' | 'exitCode' | 'signal'>
const exited = (exitCode: number): Ending => ({ cause: 'exited', exitCode, signal: null })
const killed = (signal: string): Ending => ({ cause: 'killed', exitCode: null, signal })

t.setTimeout(280_000)
if (requirement(t, 'the native addon', nativeAddon() !== null, 'it is not compiled')) run(compileThreads(t))

function startNode(t: Test, onLine: string, setup = ''): Promise<WatchedProcess> {
  // Its thread pool has started by the time it prints.
  const source = `${setup}; process.stdin.on('data', () => { ${onLine} }); require('fs').readFile('/proc/self/stat', () => console.log('ready'))`
  return WatchedProcess.start(t, process.execPath, '-e', source)
}

/** Node reaps our own child at once, and an old kernel reports nothing about a reaped child. */
function isRight(t: Test, exit: ProcessExit | undefined, expected: Ending, message: string): void {
  if (!isTold && exit?.cause === 'unknown') t.pass(`${message}: this kernel no longer reports it`)
  else t.match(exit, expected, message)
}

function isAnonymous(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith('anon_inode:')
  } catch {
    return false // the descriptor by which the folder was read
  }
}

function run(threads: string): void {
  t.test('cause and code are right for any end of a program with many threads', async (t) => {
    const hoard = 'const held = []; for (let mb = 0; mb < 100; mb++) held.push(Buffer.alloc(2 ** 20, 1))'
    for (const [onLine, expected] of [
      ['process.exit(3)', exited(3)],
      ['process.exit(0)', exited(0)],
      ['process.stdin.destroy(); process.exitCode = 4', exited(4)],
      ['throw new Error("uncaught")', exited(1)],
      ['process.abort()', killed('SIGABRT')],
      ...(['SIGKILL', 'SIGTERM', 'SIGSEGV', 'SIGHUP'] as const).map(
        (signal) => [`process.kill(process.pid, '${signal}')`, killed(signal)] as const,
      ),
    ] as const) {
      for (let round = 0; round < rounds; round++) {
        const subject = (await startNode(t, onLine, hoard)).watch()
        subject.sendLine()
        isRight(t, await subject.reported(), expected, onLine)
        await subject.exited()
        t.equal(subject.reports.length, 1, 'once')
      }
    }
  })

  t.test('a killed process with one or many threads is reported to several watches', async (t) => {
    for (const args of [
      ['many', '0'],
      ['many', '1'],
      ['many', '3'],
      ['many', '100'],
    ]) {
      for (const signal of ['SIGKILL', 'SIGTERM', 'SIGQUIT'] as const) {
        const subject = (await WatchedProcess.start(t, threads, ...args)).watch().watch()
        subject.child.kill(signal)
        await subject.reported(2)
        for (const exit of subject.reports) isRight(t, exit, killed(signal), `${args.join(' ')}, ${signal}`)
        await subject.exited()
      }
    }
  })

  t.test('a core dump is reported, and not before it is written', async (t) => {
    const folder = temporaryFolder(t)
    const script = 'ulimit -c unlimited 2>/dev/null; cd "$1" && exec "$2" many 5'
    for (const signal of ['SIGSEGV', 'SIGABRT'] as const) {
      const subject = (await WatchedProcess.start(t, 'sh', '-c', script, 'sh', folder, threads)).watch()
      subject.child.kill(signal)
      const exit = await subject.reported()
      isRight(t, exit, killed(signal), signal)
      // The machine decides whether and where a core dump is written.
      if (readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim() === 'core' && isTold) {
        t.equal(
          exit?.coreDumped,
          readdirSync(folder).some((name) => name.startsWith('core')),
          'coreDumped is true exactly if a core file exists',
        )
      }
      await subject.exited()
    }
  })

  t.test('the end is known before the process can be reaped', async (t) => {
    // A traced thread whose tracer does not wait keeps its process from ending indefinitely.
    // This simulates a process whose memory takes long to free, which a test cannot time.
    const ends: readonly (readonly [(subject: WatchedProcess) => unknown, Ending])[] = [
      [({ child }) => child.kill('SIGKILL'), killed('SIGKILL')],
      [({ child }) => child.kill('SIGTERM'), killed('SIGTERM')],
      [({ child }) => child.kill('SIGSEGV'), killed('SIGSEGV')],
      [(subject) => subject.sendLine(), exited(7)],
    ]
    for (const [end, expected] of ends) {
      for (let round = 0; round < rounds; round++) {
        const subject = (await WatchedProcess.start(t, threads, 'many', '5')).watch()
        const last = readdirSync(`/proc/${subject.pid}/task`).at(-1) ?? ''
        const tracer = await WatchedProcess.start(t, threads, 'trace', last).catch((error: Error) => error)
        if (!requirement(t, 'ptrace', tracer instanceof WatchedProcess, String(tracer)) || tracer instanceof Error)
          return
        end(subject)
        if (isEarly) {
          t.match(await subject.reported(), { ...expected, coreDumped: false })
          const { ended, exit } = readProcessState(subject.pid) ?? {}
          t.match({ ended, exit }, { ended: true, exit: expected }, 'a reading shows it too')
          subject.watch()
          await subject.reported(2)
          t.match(subject.reports[1], expected, 'a late watch is notified too')
          t.equal(subject.child.exitCode ?? subject.child.signalCode, null, 'its parent has not been notified')
        }
        tracer.sendLine()
        isRight(t, await subject.reported(), expected, 'in the end')
        await Promise.all([subject.exited(), tracer.exited()])
        t.equal(subject.reports.length, isEarly ? 2 : 1, 'each once')
      }
    }
  })

  t.test('the end of the main thread before the others is not the end of the process', async (t) => {
    for (let round = 0; round < rounds; round++) {
      const subject = (await WatchedProcess.start(t, threads, 'leader-ends', '5')).watch()
      await eventually('the main thread is a zombie', () => readProcessState(subject.pid)?.state === 'Z' || undefined)
      const watchedLater = subject.watch()
      await delay(200)
      t.match(readProcessState(subject.pid), { state: 'Z', ended: false, exit: null, threads: 2 })
      t.same(subject.reports, [])
      subject.sendLine()
      await watchedLater.reported(2)
      for (const exit of subject.reports) isRight(t, exit, exited(5), 'the code of the last thread')
      await subject.exited()
    }
  })

  t.test('a chain of threads without a main thread is not the end of the process', async (t) => {
    for (let round = 0; round < rounds; round++) {
      const subject = await WatchedProcess.start(t, threads, 'relay')
      await eventually('the main thread is a zombie', () => readProcessState(subject.pid)?.state === 'Z' || undefined)
      const untilMs = performance.now() + 1_000
      let watches = 0
      let wrong = 0
      for (let turn = 0; performance.now() < untilMs || turn < 1_000; turn++) {
        if (readProcessState(subject.pid)?.ended !== false) wrong++
        if (turn % 50 > 0) continue
        subject.watch() // watches three threads that are about to end
        watches++
        await delay(1)
      }
      t.equal(wrong, 0, 'no reading takes it for dead')
      t.same(subject.reports, [], 'no watch reports it dead')
      subject.sendLine()
      await subject.reported(watches)
      isRight(t, subject.reports[0], exited(7), 'its own code')
      await subject.exited()
    }
  })

  t.test('short-lived threads are not the end of the process', async (t) => {
    const subject = (await WatchedProcess.start(t, threads, 'churn')).watch()
    for (let turn = 0; turn < 300; turn++) {
      if (turn % 20 === 0) subject.watch()
      await delay(1)
      if (readProcessState(subject.pid)?.ended !== false) t.fail('the process is alive')
    }
    t.same(subject.reports, [])
    subject.sendLine()
    await subject.reported(16)
    isRight(t, subject.reports[0], exited(7), 'its own code')
    await subject.exited()
  })

  t.test('execve by another thread, which ends all others, is not the end of the process', async (t) => {
    // The thread becomes the main thread and keeps pid and start time. To the kernel it is the same process.
    for (let round = 0; round < rounds; round++) {
      const subject = (await WatchedProcess.start(t, threads, 'exec', threads, 'many', '2')).watch()
      const exchanged = once(subject.child.stdout as NodeJS.ReadableStream, 'data')
      subject.sendLine()
      await exchanged
      t.match(readProcessState(subject.pid), { ended: false, exit: null, threads: 3 })
      await delay(100)
      t.same(subject.reports, [])
      subject.child.kill('SIGKILL')
      isRight(t, await subject.reported(), killed('SIGKILL'), 'killed as the new program')
      await subject.exited()
    }
  })

  t.test('the end of worker threads is not the end of the process', async (t) => {
    const churn = `
      const { Worker } = require('worker_threads')
      const cycle = async () => {
        for (let turn = 0; turn < 50; turn++) {
          const worker = new Worker('setInterval(() => {}, 1000)', { eval: true })
          await new Promise((resolve) => worker.once('online', resolve))
          await worker.terminate()
        }
        console.log('done')
      }`
    const subject = (await startNode(t, 'cycle()', churn)).watch()
    const done = once(subject.child.stdout as NodeJS.ReadableStream, 'data')
    subject.sendLine()
    for (let over = false; !over; ) {
      over = await Promise.race([done.then(() => true), delay(5, false)])
      subject.watch().reports.length > 0 && t.fail('the process is alive')
      if (readProcessState(subject.pid)?.ended !== false) t.fail('the process is alive')
    }
    t.same(subject.reports, [])
    subject.child.kill('SIGKILL')
    isRight(t, await subject.reported(), killed('SIGKILL'), 'killed')
    await subject.exited()
  })

  t.test('a watch closed during its recheck reports nothing and leaves no descriptor behind', async (t) => {
    // Counts descriptors of a watch only. Pipes of ended children may be closed at the same time.
    const count = (): number => readdirSync('/proc/self/fd').filter(isAnonymous).length
    const subject = await WatchedProcess.start(t, threads, 'churn')
    const before = count()
    for (let turn = 0; turn < 100; turn++) {
      const watch = watchProcess({ pid: subject.pid }, () => t.fail('closed'))
      await delay(turn % 4)
      watch.close()
      watch.close()
    }
    t.equal(count(), before)
    const open = watchProcess({ pid: subject.pid }, () => {})
    t.ok(count() - before <= 5, 'pidfd, three threads, and the set of them')
    open.close()
    t.equal(count(), before)
  })
}
