// Runs as the first process of a PID namespace of its own, where the next pid can be chosen: a worker's pid goes to
// somebody else while nobody looks. Prints what went wrong as a JSON array.
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

/** Starts what gets that pid; threads that start meanwhile may take it, so it tries again. */
async function withPid<T>(pid: number, start: () => T | Promise<T>, isIt: (started: T) => boolean): Promise<T> {
  for (let attempt = 0; attempt < 100; attempt++) {
    writeFileSync('/proc/sys/kernel/ns_last_pid', String(pid - 1))
    const started = await start()
    if (isIt(started)) return started
  }
  throw new Error(`pid ${pid} could not be had`)
}

async function impostor(pid: number): Promise<void> {
  const start = (): ChildProcess => {
    const child = spawn('sleep', ['600'], { stdio: 'ignore' })
    impostors.push(child)
    return child
  }
  await withPid(pid, start, (child) => child.pid === pid)
}

/** Another worker process with the pid of one that has ended. */
async function startInPid(fleet: ProcessFleet, workerId: string, pid: number): Promise<MemberProcess> {
  const start = async (): Promise<MemberProcess> => {
    const member = await fleet.workers([workerId])
    if (member.pid !== pid) await member.end()
    return member
  }
  return withPid(pid, start, (member) => member.pid === pid)
}

/** Ends it while the observer is stopped, and lets `next` take its pid before the observer goes on. */
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

    // The same worker again, in the pid that it had: as in a container, where it always is.
    let again: MemberProcess | undefined
    await behind(collector, first, async (pid) => {
      again = await startInPid(fleet, 'first', pid)
    })
    if (again === undefined) throw new Error('nobody took the pid')
    expect(again.pid === first.pid, 'the pid was to be the same')
    await fleet.seesAlive(view, again)

    // A stranger in the pid of a worker.
    await behind(collector, second, impostor)
    await fleet.seen(view, second, /^dead/)

    // Another worker in it.
    let third: MemberProcess | undefined
    await behind(collector, again, async (pid) => {
      third = await startInPid(fleet, 'third', pid)
    })
    if (third === undefined) throw new Error('nobody took the pid')
    await fleet.seen(view, again, /^dead/)
    await fleet.seesAlive(view, third)

    // A stranger in the collector's pid, where the view has nothing but a look at /proc.
    await behind(view, collector, impostor)
    await fleet.judges(view, collector, /^dead/)
    const successor = await fleet.collector({ name: 'second collector' })
    await fleet.seesAlive(view, third)

    // A new collector that has never met the worker of that name in the stranger's pid.
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
