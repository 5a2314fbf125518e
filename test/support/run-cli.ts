import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import type { Readable } from 'node:stream'
import type { Test } from 'tap'
import { plainNode } from './plain-node.js'

export const cliProgram = path.resolve(import.meta.dirname, '..', '..', 'src', 'cli', 'main.js')

export interface CliResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A running `numacast …`, as another process sees it. */
export interface CliProcess {
  readonly args: readonly string[]
  readonly child: ChildProcess
  readonly pid: number
  stdout(): string
  stderr(): string
  readonly ended: Promise<CliResult>
  /** Like `ended`, for a process that should end by itself. Otherwise kills it and rejects with its output. */
  finished(): Promise<CliResult>
}

/** Less than the timeout of `eventually`, so that a probe that waits for a process fails with its output. */
const patienceMs = 100_000

/** Starts the command line program without a terminal and without stdin. */
export function startCli(args: readonly string[], environment: NodeJS.ProcessEnv = {}): CliProcess {
  const child = spawn('env', [...plainNode, cliProgram, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  })
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout: stdout(), stderr: stderr() }))
  const finished = (): Promise<CliResult> =>
    new Promise((resolve, reject) => {
      const tooLate = setTimeout(() => {
        child.kill('SIGKILL')
        // Does not wait for its end: child processes may still hold its pipes.
        reject(new Error(`it has not ended in ${patienceMs / 1_000} s; ${outputOf(args, stdout(), stderr())}`))
      }, patienceMs)
      ended.then(resolve, reject).finally(() => clearTimeout(tooLate))
    })
  return { args, child, pid: child.pid ?? 0, stdout, stderr, ended, finished }
}

/** Runs the program to its end. Rejects with its output if it does not end. */
export function runCli(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<CliResult> {
  return startCli(args, environment).finished()
}

/** Prints the output of these processes if `t` fails. */
export function explainFailure(t: Test, ...processes: readonly CliProcess[]): void {
  t.teardown(() => {
    if (t.passing()) return
    for (const { args, stdout, stderr } of processes) t.comment(outputOf(args, stdout(), stderr()))
  })
}

function outputOf(args: readonly string[], stdout: string, stderr: string): string {
  return `numacast ${args.join(' ')}\non stdout: ${stdout}\non stderr: ${stderr}`
}

function collect(stream: Readable): () => string {
  let text = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    text += chunk
  })
  return () => text
}
