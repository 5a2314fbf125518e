import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { kernelProbe, ownIdentity, probePid } from '../../../src/pubsub/peer/own-process.js'
import { eventually } from '../../../src/testing/eventually.js'
import { processStartTime, readProcessState } from '../../../src/topology/process/process-state.js'
import { requirement } from '../../support/requirement.js'
import { compileThreads, WatchedProcess } from '../../support/watched-process.js'

/** Checks what the kernel reports about real processes. */

const own = ownIdentity()
const probe = kernelProbe()

/** Waits until the shell has become a process that reaps no child. */
function isSleeper({ pid }: ChildProcess): Promise<boolean> {
  return eventually('the shell has become a sleeper', () => {
    return readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sleep\n' || undefined
  })
}

t.test(
  'the kernel tells what real processes are doing',
  { skip: own.startTimeTicks === null ? 'needs Linux with the addon' : false },
  async (t) => {
    const startOf = (pid: number): number | null => processStartTime(pid)

    t.test('the own process is running', async (t) => {
      t.match(probe(own), { state: 'running', end: null })
      t.ok((probe(own).cpuTimeMs ?? 0) > 0)
    })

    t.test('a waiting, a computing, a stopped and a killed process are told apart', async (t) => {
      // A shell that has replaced itself by exec does not reap its child.
      const parent = spawn('sh', ['-c', 'sleep 1000 & echo $!; exec sleep 1000'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      const busy = spawn(process.execPath, ['-e', 'for (;;) {}'], { stdio: 'ignore' })
      t.teardown(() => {
        for (const child of [parent, busy]) child.kill('SIGKILL')
      })
      const [line] = await once(parent.stdout, 'data')
      const pid = Number(String(line).trim())
      const start = startOf(pid)
      t.teardown(() => process.kill(pid, 'SIGKILL'))
      await eventually('it sleeps', () => probePid(pid, start).state === 'sleeping' || undefined)
      const busyPid = busy.pid ?? 0
      await eventually('it computes', () => probePid(busyPid, startOf(busyPid)).state === 'running' || undefined)
      process.kill(pid, 'SIGSTOP')
      await eventually('the process is stopped', () => probePid(pid, start).state === 'stopped' || undefined)
      process.kill(pid, 'SIGCONT')
      await eventually('the process continues', () => probePid(pid, start).state === 'sleeping' || undefined)
      await isSleeper(parent)
      process.kill(pid, 'SIGKILL')
      const gone = await eventually('the process is gone', () => {
        const reading = probePid(pid, start)
        return reading.state === 'gone' ? reading : undefined
      })
      t.same(gone.end, { cause: 'killed', detail: 'SIGKILL' }, 'a zombie shows how it ended')
    })

    t.test('a process that exited with a code and is not reaped is gone with that code', async (t) => {
      const parent = spawn('sh', ['-c', 'sh -c "read x; exit 3" <&3 3<&- & echo $!; exec sleep 1000'], {
        stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
      })
      t.teardown(() => parent.kill('SIGKILL'))
      const [line] = await once(parent.stdout as NodeJS.ReadableStream, 'data')
      const pid = Number(String(line).trim())
      const start = startOf(pid)
      await isSleeper(parent)
      const stdin = parent.stdio[3] as NodeJS.WritableStream
      stdin.end('\n')
      const gone = await eventually('the process is gone', () => {
        const reading = probePid(pid, start)
        return reading.state === 'gone' ? reading : undefined
      })
      t.same(gone.end, { cause: 'exited', detail: 'exit code 3' })
    })

    t.test('an unreaped dead process is gone, and a process without its main thread is not', async (t) => {
      const threads = compileThreads(t)
      const dying = await WatchedProcess.start(t, threads, 'many', '3')
      const start = startOf(dying.pid)
      // A traced thread stays until its tracer waits for it. This tracer does not wait.
      const last = readdirSync(`/proc/${dying.pid}/task`).at(-1) ?? ''
      const tracer = await WatchedProcess.start(t, threads, 'trace', last).catch((error: Error) => error)
      if (!requirement(t, 'ptrace', tracer instanceof WatchedProcess, String(tracer)) || tracer instanceof Error) return
      dying.child.kill('SIGKILL')
      const gone = await eventually('the process is gone', () => {
        const reading = probePid(dying.pid, start)
        return reading.state === 'gone' ? reading : undefined
      })
      t.same(gone.end, { cause: 'killed', detail: 'SIGKILL' })
      t.equal(dying.child.signalCode, null, 'although the process has not been reaped')
      tracer.sendLine()
      await Promise.all([dying.exited(), tracer.exited()])

      const headless = await WatchedProcess.start(t, threads, 'leader-ends', '5')
      const began = startOf(headless.pid)
      await eventually('its main thread has ended', () => readProcessState(headless.pid)?.state === 'Z' || undefined)
      t.match(probePid(headless.pid, began), { state: 'sleeping', end: null }, 'others live')
      headless.sendLine()
      await headless.exited()
      t.match(probePid(headless.pid, began), { state: 'gone' })
    })

    t.test('a pid proves nothing by itself', async (t) => {
      for (const changes of [
        { startTimeTicks: (own.startTimeTicks ?? 0) + 2 },
        { startTimeTicks: null },
        { pid: 0 },
        { pid: 2 ** 40 },
        { pidNamespace: 1 },
        { pidNamespace: null },
      ]) {
        t.match(probe({ ...own, ...changes }), { state: 'unknown' }, JSON.stringify(changes))
      }
      const child = spawn('true')
      await once(child, 'exit')
      t.match(probePid(child.pid ?? 0, 1), { state: 'gone' })
    })

    t.test('a process hidden by /proc is not reported as gone', async (t) => {
      const source = `
      import(process.argv[1]).then(({ probePid }) => console.log(probePid(Number(process.argv[2]), 1).state))`
      const module = new URL('../../../src/pubsub/peer/own-process.js', import.meta.url).href
      const hidden =
        'mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"'
      const command = ['-m', 'sh', '-c', hidden, 'sh', process.execPath, '-e', source, module, String(process.pid)]
      const { status, stdout, stderr } = spawnSync('unshare', command, { encoding: 'utf8' })
      if (requirement(t, 'a mount namespace of its own', status === 0, stderr)) t.equal(stdout, 'exists\n')
    })
  },
)
