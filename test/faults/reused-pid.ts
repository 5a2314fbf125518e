// Runs as the first process of a new PID namespace, where the next pid can be chosen. A worker's pid is reused while no
// observer runs. Prints the failures as a JSON array.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { MemberProcess } from '../../src/testing/processes/member-process.js'
import { ProcessFleet } from '../../src/testing/processes/process-fleet.js'

const wrong: string[] = []
const impostors: ChildProcess[] = []

function expect(holds: boolean, what: string): void {
  if (!holds) wrong.push(what)
}

/** Starts a process with that pid. A new thread may take the pid first, so it retries. */
async function withPid<T>(pid: number, start: () => T | Promise<T>, isIt: (started: T) => boolean): Promise<T> {
  for (let attempt = 0; attempt < 100; attempt++) {
    writeFileSync('/proc/sys/kernel/ns_last_pid', String(pid - 1))
    const started = await start()
    if (isIt(started)) return started
  }
  throw new Error(`pid ${pid} could not be obtained`)
}

async function impostor(pid: number): Promise<void> {
  const start = (): ChildProcess => {
    const child = spawn('sleep', ['600'], { stdio: 'ignore' })
    impostors.push(child)
    return child
  }
  await withPid(pid, start, (child) => child.pid === pid)
}

/** Starts another worker process with the pid of an ended process. */
async function startInPid(fleet: ProcessFleet, workerId: string, pid: number): Promise<MemberProcess> {
  const start = async (): Promise<MemberProcess> => {
    const member = await fleet.workers([workerId])
    if (member.pid !== pid) await member.end()
    return member
  }
  return withPid(pid, start, (member) => member.pid === pid)
}

/** Ends a member while the observer is stopped, and lets `next` reuse its pid before the observer continues. */
async function behind(
  observer: MemberProcess,
  gone: MemberProcess,
  next: (pid: number) => Promise<unknown>,
): Promise<void> {
  observer.signal('SIGSTOP')
  await gone.end()
  await next(gone.pid)
  observer.signal('SIGCONT')
}

async function tell(domain: number): Promise<void> {
  const fleet = new ProcessFleet(domain)
  try {
    const collector = await fleet.collector()
    const view = await fleet.view()
    const first = await fleet.workers(['first'])
    const second = await fleet.workers(['second'])
    await fleet.seesAlive(view, first, second)

    // The same worker again with the same pid, as always happens in a container.
    let again: MemberProcess | undefined
    await behind(collector, first, async (pid) => {
      again = await startInPid(fleet, 'first', pid)
    })
    if (again === undefined) throw new Error('the pid was not reused')
    expect(again.pid === first.pid, 'the pid should be the same')
    await fleet.seesAlive(view, again)

    // An unrelated process with the pid of a worker.
    await behind(collector, second, impostor)
    await fleet.seen(view, second, /^dead/)

    // Another worker with the same pid.
    let third: MemberProcess | undefined
    await behind(collector, again, async (pid) => {
      third = await startInPid(fleet, 'third', pid)
    })
    if (third === undefined) throw new Error('the pid was not reused')
    await fleet.seen(view, again, /^dead/)
    await fleet.seesAlive(view, third)

    // An unrelated process with the collector's pid, where the view can only read /proc.
    await behind(view, collector, impostor)
    await fleet.judges(view, collector, /^dead/)
    const successor = await fleet.collector({ name: 'second collector' })
    await fleet.seesAlive(view, third)

    // A new collector that has never observed the worker whose pid the unrelated process has.
    await successor.end()
    await third.end()
    await impostor(third.pid)
    await fleet.collector({ name: 'third collector' })
    const fourth = await fleet.workers(['fourth'])
    await fleet.seesAlive(view, fourth)
    await fleet.seesLast(view, third, /^(dead|unreachable)/)

    wrong.push(...fleet.falseDeaths, ...fleet.unexpectedEnds)
  } finally {
    await fleet.close()
    for (const child of impostors) child.kill('SIGKILL')
    await Promise.all(
      impostors
        .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
        .map((child) => once(child, 'exit')),
    )
  }
}

try {
  await tell(Number(process.argv[2]))
} catch (error) {
  wrong.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
}
process.stdout.write(JSON.stringify(wrong))
