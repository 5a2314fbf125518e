import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import os from 'node:os'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { nativeAddon } from '../../../src/topology/addon/addon.js'
import { processStartTime, readProcessState } from '../../../src/topology/process/process-state.js'
import { type ProcessExit, watchProcess } from '../../../src/topology/process/process-watch.js'
import { requirement } from '../../support/requirement.js'

const pidOf = (child: ChildProcess): number => {
  if (child.pid === undefined) throw new Error('the child did not start')
  return child.pid
}

/** Watches a process until its end. */
async function exitOf(pid: number, startTime: number | null = processStartTime(pid)): Promise<ProcessExit> {
  return new Promise((resolve) => {
    watchProcess({ pid, startTime }, resolve).ref()
  })
}

const supported = nativeAddon() !== null && watchProcess({ pid: process.pid }, () => {}).status.state === 'watching'
if (requirement(t, 'pidfd_open', supported, 'no addon, or a kernel before Linux 5.3')) run()

t.setTimeout(120_000) // a loaded machine is no failure

function run(): void {
  t.test('an exited and a killed child are reported with their cause', async (t) => {
    for (const [script, expected] of [
      ['read x; exit 0', { cause: 'exited', exitCode: 0, signal: null }],
      ['read x; exit 7', { cause: 'exited', exitCode: 7, signal: null }],
      ['read x; kill -KILL $$', { cause: 'killed', exitCode: null, signal: 'SIGKILL' }],
      ['read x; kill -TERM $$', { cause: 'killed', exitCode: null, signal: 'SIGTERM' }],
      ['read x; kill -40 $$', { cause: 'killed', exitCode: null, signal: 'SIG40' }],
    ] as const) {
      const child = spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'] })
      const exit = exitOf(pidOf(child))
      const startedMs = performance.now()
      child.stdin.end('\n')
      t.match(await exit, { ...expected, coreDumped: false }, script)
      t.ok((await exit).atMs >= startedMs)
    }
  })

  t.test('the end of a process that is not our child is reported', async (t) => {
    // Its parent, which becomes `sleep`, never waits: it is a zombie when its end is reported. (A shell gives what runs in the
    // background /dev/null to read, hence descriptor 3.)
    const parent = spawn('sh', ['-c', 'exec 3<&0; sh -c "read x <&3; exit 9" & echo $!; exec sleep 1000'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    t.teardown(() => parent.kill('SIGKILL'))
    const [line] = await once(parent.stdout, 'data')
    const pid = Number(String(line).trim())
    const exit = exitOf(pid)
    parent.stdin.end('\n')
    t.match(await exit, { cause: 'exited', exitCode: 9 })
    t.equal(readProcessState(pid)?.state, 'Z')
    t.match(await exitOf(pid), { cause: 'exited', exitCode: 9 }, 'a zombie counts as gone')
  })

  t.test('the end of a process reaped at once by its parent is reported', async (t) => {
    const parent = spawn('sh', ['-c', 'exec 3<&0; sh -c "read x <&3; exit 3" & echo $!; wait $!; exec sleep 1000'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    t.teardown(() => parent.kill('SIGKILL'))
    const [line] = await once(parent.stdout, 'data')
    const exit = exitOf(Number(String(line).trim()))
    parent.stdin.end('\n')
    // Reaped before the watch read it: Linux 6.15 still reports the cause, an older kernel may not.
    const { cause, exitCode } = await exit
    const [major = 0, minor = 0] = os.release().split('.').map(Number)
    if (major > 6 || (major === 6 && minor >= 15)) t.same({ cause, exitCode }, { cause: 'exited', exitCode: 3 })
    else t.ok(cause === 'unknown' || exitCode === 3, `${cause} ${exitCode}`)
  })

  t.test('a process that is already gone, or whose pid was reused, is reported as gone', async (t) => {
    const child = spawn('true')
    const pid = pidOf(child)
    await once(child, 'exit')
    let early = true
    const gone = new Promise<ProcessExit>((resolve) => {
      watchProcess({ pid }, (exit) => {
        t.notOk(early, 'it is reported on a later turn')
        resolve(exit)
      })
    })
    early = false
    t.match(await gone, { cause: 'unknown', exitCode: null, signal: null })
    const own = processStartTime(process.pid)
    t.match(
      await exitOf(process.pid, (own ?? 0) + 2),
      { cause: 'unknown', evidence: 'other-start-time' },
      'the pid was reused',
    )
  })

  t.test('a closed watch reports nothing', async (t) => {
    const child = spawn('sleep', ['1000'])
    const watch = watchProcess({ pid: pidOf(child) }, () => t.fail('closed'))
    t.same(watch.status, { state: 'watching' })
    watch.close()
    watch.close()
    t.same(watch.status, { state: 'closed' })
    child.kill('SIGKILL')
    await once(child, 'exit')
    const missing = watchProcess({ pid: pidOf(child) }, () => t.fail('closed before its turn'))
    missing.close()
    await delay(20)
  })

  t.test('a callback may close its watch, and an exception in it is uncaught', async (t) => {
    const child = spawn('sh', ['-c', 'read x'], { stdio: ['pipe', 'ignore', 'ignore'] })
    const watch = watchProcess({ pid: pidOf(child) }, () => {
      watch.close()
      throw new Error('from the callback')
    })
    watch.ref()
    t.equal(watch.status.state, 'watching')
    const caught = new Promise<Error>((resolve) => process.setUncaughtExceptionCaptureCallback(resolve))
    child.stdin.end('\n')
    t.equal((await caught).message, 'from the callback')
    process.setUncaughtExceptionCaptureCallback(null)
    t.same(watch.status, { state: 'ended' })
  })

  t.test('a thread id is not a process, and an invalid pid is refused', async (t) => {
    const thread = readdirSync('/proc/self/task')
      .map(Number)
      .find((id) => id !== process.pid)
    if (thread !== undefined) t.equal(watchProcess({ pid: thread }, () => {}).status.state, 'unavailable')
    for (const pid of [0, -1, 1.5, Number.NaN]) {
      t.throws(() => watchProcess({ pid }, () => {}), { code: 'NUMACAST_INVALID_ARGUMENT' })
    }
    const notSpawned = { pid: undefined as unknown as number }
    t.throws(() => watchProcess(notSpawned, () => {}), { code: 'NUMACAST_INVALID_ARGUMENT' }, 'not this process')
    t.throws(() => watchProcess({ pid: 1, startTime: -5 }, () => {}), { code: 'NUMACAST_INVALID_ARGUMENT' })
  })

  t.test('an open or closed watch does not keep the process alive', async (t) => {
    const script = fileURLToPath(new URL('../../support/unwatched.js', import.meta.url))
    for (const mode of ['open', 'close']) {
      const states = execFileSync(process.execPath, [script, mode], { encoding: 'utf8' }).split(' ')
      t.equal(states[0], mode === 'open' ? 'watching' : 'closed')
    }
  })

  t.test('no file descriptor is left behind', async (t) => {
    const count = () => readdirSync('/proc/self/fd').length
    const before = count()
    for (let index = 0; index < 50; index++) watchProcess({ pid: process.pid }, () => {}).close()
    t.equal(count(), before)
  })

  t.test('a process that /proc hides (hidepid) is watched only if it was known to be alive', async (t) => {
    const source = `
      import(process.argv[1]).then(({ watchProcess }) => {
        const pid = Number(process.argv[2])
        const unsure = watchProcess({ pid, startTime: 1 }, () => console.log('reported as gone'))
        console.log(JSON.stringify(unsure.status))
        const watch = watchProcess({ pid, startTime: 1, isAlive: true }, (exit) => console.log(JSON.stringify(exit)))
        watch.ref()
        console.log(JSON.stringify(watch.status))
      })`
    const module = new URL('../../../src/topology/process/process-watch.js', import.meta.url).href
    const hidden =
      'mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"'
    const inside = ['-m', 'sh', '-c', hidden, 'sh']
    const tried = spawnSync('unshare', [...inside, 'true'], { encoding: 'utf8' })
    if (!requirement(t, 'a mount namespace of its own', tried.status === 0, tried.stderr)) return
    const sleeper = spawn('sleep', ['1000'], { stdio: 'ignore' })
    t.teardown(() => sleeper.kill('SIGKILL'))
    const command = [...inside, process.execPath, '-e', source, module, String(sleeper.pid)]
    const reader = spawn('unshare', command, { stdio: ['ignore', 'pipe', 'inherit'] })
    t.teardown(() => reader.kill('SIGKILL'))
    const ended = once(reader, 'close')
    const lines: string[] = []
    createInterface({ input: reader.stdout }).on('line', (line) => {
      // The watch is open: now the process may end.
      if (lines.push(line) === 2) sleeper.kill('SIGKILL')
    })
    await ended
    const [unsure, watch, exit] = lines.map((line) => JSON.parse(line))
    t.match(unsure, { state: 'unavailable', reason: /hidepid/ })
    t.same(watch, { state: 'watching' })
    t.match(exit, { evidence: 'pidfd' })
    t.equal(lines.length, 3)
  })

  t.test('without descriptors a watch is unavailable with the reason, and hints are dropped first', async (t) => {
    const source = `
      import(process.argv[1]).then(async ({ watchProcess }) => {
        const { readdirSync } = await import('node:fs')
        const used = () => readdirSync('/proc/self/fd').length
        const costs = []
        let before = used()
        // Listing the directory takes a descriptor itself.
        while (before < 190) {
          watchProcess({ pid: process.ppid }, () => {})
          const after = used()
          costs.push(after - before)
          before = after
        }
        let status
        do status = watchProcess({ pid: process.ppid }, () => {}).status
        while (status.state === 'watching')
        process.stdout.write(JSON.stringify({ costs, status }))
      })`
    const module = new URL('../../../src/topology/process/process-watch.js', import.meta.url).href
    const command = ['-c', 'ulimit -n 200; exec "$@"', 'sh', process.execPath, '-e', source, module]
    const { costs, status } = JSON.parse(execFileSync('sh', command, { encoding: 'utf8' }))
    t.same(new Set(costs.slice(-50)), new Set([1]), 'one descriptor each once half of them are in use')
    t.ok(costs.length > 70, `${costs.length} watches`)
    t.match(status, { state: 'unavailable', reason: /Too many open files/ })
  })

  t.test('worker threads can watch, and may end with their watches open', async (t) => {
    const source = `
      const { parentPort, workerData } = require('node:worker_threads')
      import(workerData.module).then(({ watchProcess }) => {
        for (let index = 0; index < 20; index++) watchProcess({ pid: process.pid }, () => {})
        const watch = watchProcess({ pid: workerData.pid }, (exit) => parentPort.postMessage(exit))
        watch.ref()
        parentPort.postMessage('watching')
      })`
    const module = new URL('../../../src/topology/process/process-watch.js', import.meta.url).href
    for (let round = 0; round < 3; round++) {
      const child = spawn('sleep', ['1000'])
      const worker = new Worker(source, { eval: true, workerData: { module, pid: pidOf(child) } })
      const ended = once(worker, 'exit')
      t.same(await once(worker, 'message'), ['watching'])
      if (round === 0) {
        await worker.terminate()
        child.kill('SIGKILL')
        await once(child, 'exit')
        continue
      }
      child.kill('SIGKILL')
      t.match(await once(worker, 'message'), [{ cause: 'killed', signal: 'SIGKILL' }])
      await ended
    }
  })
}
