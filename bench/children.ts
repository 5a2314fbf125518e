import { type ChildProcess, type ForkOptions, fork, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'

const gracePeriodMs = 5_000
const running = new Set<ChildProcess>()

/** Spawns a process that never outlives the bench. */
export function spawnChild(program: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  return tracked(spawn(program, args, options))
}

/** Forks a compiled bench file. The process never outlives the bench. */
export function forkChild(script: URL, args: readonly string[], options: ForkOptions = {}): ChildProcess {
  return tracked(fork(script, args, options))
}

/** Ends the process by SIGTERM, then by SIGKILL. Resolves when it is gone, also if it was gone before. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const insist = setTimeout(() => child.kill('SIGKILL'), gracePeriodMs)
  await exited
  clearTimeout(insist)
}

/** Resolves with the time (CLOCK_MONOTONIC) of the kernel's report to the parent that the child has ended (SIGCHLD). */
export async function endOf(child: ChildProcess): Promise<bigint> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve(process.hrtime.bigint()))
  })
}

/** Ends the children of an interrupted bench. Called by the program's entry. */
export function endChildrenWithProcess(): void {
  process.on('exit', () => {
    for (const child of running) child.kill('SIGKILL')
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
}

function tracked(child: ChildProcess): ChildProcess {
  running.add(child)
  child.once('exit', () => running.delete(child))
  child.once('error', () => running.delete(child))
  return child
}
