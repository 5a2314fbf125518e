import { type ChildProcess, type ForkOptions, fork, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'

const gracePeriodMs = 5_000
const running = new Set<ChildProcess>()

/** As `spawn`, and whatever becomes of the bench, the process does not outlive it. */
export function spawnChild(program: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  return tracked(spawn(program, args, options))
}

/** As `fork` of a compiled bench file, and whatever becomes of the bench, the process does not outlive it. */
export function forkChild(script: URL, args: readonly string[], options: ForkOptions = {}): ChildProcess {
  return tracked(fork(script, args, options))
}

/** Asks the process to end, then insists. Resolves when it is gone; one that is gone already is fine. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const insist = setTimeout(() => child.kill('SIGKILL'), gracePeriodMs)
  await exited
  clearTimeout(insist)
}

/** When this process learnt that the child has ended, on CLOCK_MONOTONIC: the kernel's word to a parent (SIGCHLD). */
export async function endOf(child: ChildProcess): Promise<bigint> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve(process.hrtime.bigint()))
  })
}

/** For the program's entry: an interrupted bench ends its children too. */
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
