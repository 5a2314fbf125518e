import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import type { Readable } from 'node:stream'

export const cliProgram = path.resolve(import.meta.dirname, '..', '..', 'src', 'cli', 'main.js')

export interface CliResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A running `numacast …`, as another process sees it. */
export interface CliProcess {
  readonly child: ChildProcess
  readonly pid: number
  stdout(): string
  stderr(): string
  readonly ended: Promise<CliResult>
}

/** Starts the command line program without a terminal and without stdin. */
export function startCli(args: readonly string[], environment: NodeJS.ProcessEnv = {}): CliProcess {
  const child = spawn(process.execPath, [cliProgram, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  })
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout: stdout(), stderr: stderr() }))
  return { child, pid: child.pid ?? 0, stdout, stderr, ended }
}

export function runCli(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<CliResult> {
  return startCli(args, environment).ended
}

function collect(stream: Readable): () => string {
  let text = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    text += chunk
  })
  return () => text
}
