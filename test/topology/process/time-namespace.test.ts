import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { kernelProbe, ownIdentity } from '../../../src/pubsub/peer/own-process.js'
import { nativeAddon } from '../../../src/topology/addon/addon.js'
import { ProcessLocator } from '../../../src/topology/process/process-locator.js'
import { isSameStartTime, processStartTime } from '../../../src/topology/process/process-state.js'
import { type ProcessExit, watchProcess } from '../../../src/topology/process/process-watch.js'
import { requirement } from '../../support/requirement.js'

const unshare = (boottime: string) => ['--fork', '--kill-child', '--time', '--boottime', boottime]
const tried = spawnSync('unshare', [...unshare('1'), 'true'], { encoding: 'utf8' })
const ready =
  requirement(t, 'the native addon', nativeAddon() !== null, 'it is not compiled') &&
  requirement(t, 'time namespaces and root', tried.status === 0, tried.error?.message ?? tried.stderr)
t.setTimeout(120_000)
const stateModule = new URL('../../../src/topology/process/process-state.js', import.meta.url).href
const processModule = new URL('../../../src/pubsub/peer/own-process.js', import.meta.url).href

/** Prints its own identity as a participant announces it, then waits to be killed. */
const worker = `import(process.argv[1]).then(({ ownIdentity }) => {
  console.log(JSON.stringify(ownIdentity())); setInterval(() => {}, 1000) })`

async function startWorker(t: Test, command: readonly string[]): Promise<{ identity: Identity }> {
  const [program = '', ...args] = [...command, process.execPath, '-e', worker, processModule]
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  return { identity: JSON.parse(String(line)) }
}
type Identity = ReturnType<typeof ownIdentity>

function run(): void {
  t.test('a process in another time namespace is probed as alive, and watched until its real end', async (t) => {
    const { identity } = await startWorker(t, ['unshare', ...unshare('1000')])
    t.equal(identity.pidNamespace, ownIdentity().pidNamespace, 'the same PID namespace')
    t.match(kernelProbe()(identity).state, /^(running|sleeping)$/)
    let exit: ProcessExit | undefined
    const ended = new Promise<void>((resolve) => {
      const watch = watchProcess({ pid: identity.pid, startTime: identity.startTimeTicks }, (reported) => {
        exit = reported
        resolve()
      })
      watch.ref()
      t.same(watch.status, { state: 'watching' })
    })
    // An end that is already known is reported on a later turn.
    await new Promise((resolve) => setTimeout(resolve, 0))
    t.equal(exit, undefined, 'no end is reported while it is alive')
    process.kill(identity.pid, 'SIGKILL')
    await ended
    t.match(exit, { cause: 'killed', signal: 'SIGKILL', evidence: 'pidfd' })
  })

  t.test('a reader in another time namespace reads the same start times as the host', async (t) => {
    for (const offset of ['1000', '-1']) {
      const code = `import(process.argv[1]).then(({ processStartTime }) => console.log(processStartTime(${process.pid})))`
      const inside = [...unshare(offset), process.execPath, '-e', code, stateModule]
      const read = Number(execFileSync('unshare', inside, { encoding: 'utf8' }))
      const own = processStartTime(process.pid) ?? Number.NaN
      t.ok(isSameStartTime(read, own), `offset ${offset} s: ${read} and ${own}`)
    }
  })

  t.test('a fractional tick offset moves a start time by at most one tick', async (t) => {
    // unshare(1) accepts whole seconds only. Checkpoint and restore sets nanoseconds.
    const enter = `import ctypes, os, sys
if ctypes.CDLL(None, use_errno=True).unshare(0x80) != 0: sys.exit(os.strerror(ctypes.get_errno()))
with open('/proc/self/timens_offsets', 'w') as offsets: offsets.write(f'boottime 1000 {sys.argv[1]}')
pid = os.fork()
if pid == 0: os.execvp(sys.argv[2], sys.argv[2:])
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`
    const code = `import(process.argv[1]).then(({ processStartTime }) => console.log(processStartTime(${process.pid})))`
    const own = processStartTime(process.pid) ?? Number.NaN
    for (const nanoseconds of ['1', '5000000', '9999999']) {
      const command = ['-c', enter, nanoseconds, process.execPath, '-e', code, stateModule]
      const read = Number(execFileSync('python3', command, { encoding: 'utf8' }))
      t.ok(isSameStartTime(read, own), `${nanoseconds} ns: ${read} and ${own}`)
    }
  })

  t.test('a reader in another time namespace finds a process of the host alive', async (t) => {
    const code = `import(process.argv[1]).then(({ kernelProbe }) =>
      console.log(kernelProbe()(JSON.parse(process.argv[2])).state))`
    const inside = [...unshare('500'), process.execPath, '-e', code, processModule, JSON.stringify(ownIdentity())]
    t.match(execFileSync('unshare', inside, { encoding: 'utf8' }), /^(running|sleeping)\n$/)
  })

  t.test('a process in its own time and PID namespaces is located', async (t) => {
    const { identity } = await startWorker(t, [
      'unshare',
      '--pid',
      '--fork',
      '--mount-proc',
      '--kill-child',
      ...unshare('1000'),
    ])
    t.equal(identity.pid, 1)
    const location = new ProcessLocator().locate(identity)
    t.ok(location.pid, JSON.stringify(location))
  })
}

t.test('start times that differ by one tick match, and by two do not', async (t) => {
  t.same(
    [isSameStartTime(5, 5), isSameStartTime(5, 6), isSameStartTime(6, 5), isSameStartTime(5, 7)],
    [true, true, true, false],
  )
})

if (ready) run()
