import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { eventually } from '../../src/testing/eventually.js'
import { processStartTime } from '../../src/topology/process/process-state.js'
import { type ProcessExit, watchProcess } from '../../src/topology/process/process-watch.js'

/** The program of `threads.c`. */
export function compileThreads(t: Test): string {
  // A separate folder, because this test may run a second time on the addon with sanitizers.
  const file = path.join(temporaryFolder(t), 'threads')
  const source = fileURLToPath(new URL('../../../test/support/threads.c', import.meta.url))
  execFileSync(process.env.CC ?? 'cc', ['-O1', '-pthread', '-o', file, source], { stdio: ['ignore', 'ignore', 'pipe'] })
  return file
}

export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'numacast-threads-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A process that has printed its first line, and the reports of its end. */
export class WatchedProcess {
  readonly child: ChildProcess
  readonly pid: number
  readonly reports: ProcessExit[] = []
  readonly #exited: Promise<unknown>

  private constructor(child: ChildProcess) {
    if (child.pid === undefined) throw new Error('it could not be started')
    this.child = child
    this.pid = child.pid
    this.#exited = once(child, 'exit')
  }

  static async start(t: Test, command: string, ...args: readonly string[]): Promise<WatchedProcess> {
    // A sanitizer that this process has preloaded would catch the child's SIGSEGV.
    const { LD_PRELOAD: _preloaded, ...env } = process.env
    const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'ignore'] })
    const subject = new WatchedProcess(child)
    t.teardown(() => child.kill('SIGKILL'))
    child.stdin.on('error', () => {}) // it may be dead before it reads
    const first = await Promise.race([once(child.stdout, 'data'), subject.#exited])
    if (child.exitCode !== null) throw new Error(`${args.join(' ')} ended at once: ${String(first)}`)
    child.stdout.resume()
    return subject
  }

  watch(): this {
    const watch = watchProcess({ pid: this.pid, startTime: processStartTime(this.pid) }, (exit) => {
      this.reports.push(exit)
    })
    if (watch.status.state !== 'watching') throw new Error(JSON.stringify(watch.status))
    return this
  }

  sendLine(): void {
    this.child.stdin?.write('\n')
  }

  async reported(count = 1): Promise<ProcessExit | undefined> {
    await eventually(`${count} reports of its end`, () => this.reports.length >= count || undefined, 1)
    return this.reports[0]
  }

  async exited(): Promise<unknown> {
    return this.#exited
  }
}
