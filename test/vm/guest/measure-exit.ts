import { setTimeout as sleep } from 'node:timers/promises'
import { processStartTime } from '../../../src/topology/process/process-state.js'
import { type ProcessExit, watchProcess } from '../../../src/topology/process/process-watch.js'
import type { ExitMeasurement } from '../protocol.js'
import { Subject } from './subject.js'

const giveUpAfterMs = 30_000

export async function measureExit(): Promise<readonly ExitMeasurement[]> {
  return [
    await watchedUntil('a child that is killed', ownChild('SIGKILL')),
    await watchedUntil('a stranger that is killed, and stays a zombie', zombie('kill -9 $$')),
    await watchedUntil('a stranger that exits with 3, and stays a zombie', zombie('exit 3')),
    await watchedUntil('a stranger of many threads that exits with 4', threaded('process.exit(4)')),
  ]
}

interface Victim {
  readonly pid: number
  end(): void
  reap(): Promise<void>
}

async function ownChild(signal: NodeJS.Signals): Promise<Victim> {
  const idle = Subject.idle(null)
  await idle.prints('ready')
  return { pid: idle.pid, end: () => idle.child.kill(signal), reap: () => idle.kill() }
}

/** Starts a child of another process, which never waits for its exit code. It ends when a file appears. */
async function zombie(ending: string): Promise<Victim> {
  const file = `/tmp/end-${process.hrtime.bigint()}`
  const wait = `while ! [ -e ${file} ]; do sleep 0.1; done; ${ending}`
  const parent = new Subject(null, 'sh', '-c', `sh -c '${wait}' & echo "$!"; echo ready; exec sleep 1000`)
  await parent.prints('ready')
  const pid = Number(parent.output.split('\n')[0])
  return { pid, end: () => void new Subject(null, 'touch', file), reap: () => parent.kill() }
}

/** Starts a Node process whose parent never waits for its exit code either. */
async function threaded(ending: string): Promise<Victim> {
  const file = `/tmp/end-${process.hrtime.bigint()}`
  const look = `require("fs").existsSync("${file}") && ${ending}`
  const program = `console.log(process.pid + "\\nready"); setInterval(() => ${look}, 50)`
  const parent = new Subject(null, 'sh', '-c', `node -e '${program}' & exec sleep 1000`)
  await parent.prints('ready')
  const pid = Number(parent.output.split('\n')[0])
  return { pid, end: () => void new Subject(null, 'touch', file), reap: () => parent.kill() }
}

async function watchedUntil(title: string, coming: Promise<Victim>): Promise<ExitMeasurement> {
  const victim = await coming
  const given = new AbortController()
  const { exit, status } = await new Promise<{ exit: ProcessExit | null; status: string }>((resolve) => {
    const startTime = processStartTime(victim.pid)
    const watch = watchProcess({ pid: victim.pid, startTime }, (exit) => resolve({ exit, status }))
    const status = JSON.stringify(watch.status)
    victim.end()
    sleep(giveUpAfterMs, undefined, { signal: given.signal }).then(
      () => {
        watch.close()
        resolve({ exit: null, status })
      },
      () => undefined,
    )
  })
  given.abort()
  await victim.reap()
  return { title, status, exit }
}
