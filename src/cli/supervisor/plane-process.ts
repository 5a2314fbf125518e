import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { NumacastError } from '../../core/errors.js'
import type { DaemonMessage } from '../daemon/daemon.js'
import { nextRestart, noDeaths, type RestartHistory } from './restart-delay.js'

export interface ProcessPlan {
  /** For people: `collector of node 0`. */
  readonly name: string
  /** The numacast command and its arguments. */
  readonly args: readonly string[]
  /** Whether it is restarted when it dies by itself. */
  readonly restarts: boolean
  /** How long it may take to stop in order before it is killed. */
  readonly graceMs: number
}

/** How describeFailure begins a line. */
const isOwnError = /^numacast: /
const program = fileURLToPath(new URL('../main.js', import.meta.url))

/**
 * One process of the plane. It runs in a process group of its own, so that Ctrl-C reaches only its parent, which
 * stops it in the right order. It holds an IPC channel. When that closes, the parent has gone.
 */
export class PlaneProcess {
  readonly plan: ProcessPlan
  readonly #note: (text: string) => void
  readonly #onNotice: (text: string) => void
  readonly #onDisplaced: (error: NumacastError) => void
  readonly #ready: Promise<void>
  #settleReady: (failure?: Error) => void = () => undefined
  #child: ChildProcess | undefined
  #startedAtMs = 0
  #history: RestartHistory = noDeaths
  #restart: NodeJS.Timeout | undefined
  #wasReady = false
  /** The last error line of numacast's own that it printed. */
  #lastError: string | undefined
  #isDisplaced = false
  #stopping = false

  /**
   * @param note shows a line of this process
   * @param onNotice gets what may be the same for many processes
   * @param onDisplaced it was ready, and has ended because a process that is not of this plane has its place
   */
  constructor(
    plan: ProcessPlan,
    note: (text: string) => void,
    onNotice: (text: string) => void,
    onDisplaced: (error: NumacastError) => void,
  ) {
    this.plan = plan
    this.#note = note
    this.#onNotice = onNotice
    this.#onDisplaced = onDisplaced
    this.#ready = new Promise((resolve, reject) => {
      this.#settleReady = (failure) => (failure === undefined ? resolve() : reject(failure))
    })
    // A caller that waits sees the rejection. There may be none any more.
    this.#ready.catch(() => undefined)
  }

  /** Resolves when it first reports that it is ready. Rejects when it ends before that. */
  get ready(): Promise<void> {
    return this.#ready
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  start(): void {
    this.#startedAtMs = performance.now()
    const child = spawn(process.execPath, [program, ...this.plan.args], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    this.#child = child
    this.#lastError = undefined
    this.#forward(child.stdout)
    this.#forward(child.stderr, (line) => {
      if (isOwnError.test(line)) this.#lastError = line.replace(isOwnError, '')
    })
    child.on('message', (message: DaemonMessage) => {
      if (message.kind === 'notice') {
        this.#onNotice(message.text)
        return
      }
      if (message.kind === 'displaced') {
        this.#isDisplaced = true
        this.#lastError = message.reason
        return
      }
      this.#wasReady = true
      this.#settleReady()
    })
    child.once('error', (error) => this.#ended(error.message))
    child.once('close', (code, signal) => {
      this.#ended(signal ?? `exit code ${code}`, signal === null ? this.#lastError : undefined)
    })
  }

  /** Asks it to stop and waits; kills it after its grace. True when it stopped by itself. */
  async stop(): Promise<boolean> {
    this.#stopping = true
    clearTimeout(this.#restart)
    const child = this.#child
    if (child === undefined) return true
    const closed = once(child, 'close')
    child.kill('SIGTERM')
    let patient = true
    const impatience = setTimeout(() => {
      patient = false
      this.#note(`${this.plan.name} did not stop within ${this.plan.graceMs / 1_000} s: killed`)
      child.kill('SIGKILL')
    }, this.plan.graceMs)
    await closed
    clearTimeout(impatience)
    return patient
  }

  /** Kills it at once, without waiting, while this process exits. */
  kill(): void {
    this.#stopping = true
    clearTimeout(this.#restart)
    this.#child?.kill('SIGKILL')
  }

  /** @param why the error that it printed, if it ended by itself */
  #ended(how: string, why = how): void {
    if (this.#child === undefined) return
    const pid = this.#child.pid
    this.#child = undefined
    const name = pid === undefined ? this.plan.name : `${this.plan.name} (pid ${pid})`
    const early = `${this.plan.name} ended before it was ready: ${why}`
    this.#settleReady(new NumacastError('NUMACAST_UNAVAILABLE', early))
    if (this.#stopping) return
    if (!this.plan.restarts || !this.#wasReady || this.#isDisplaced) {
      this.#note(`${name} ended: ${how}`)
      if (this.#wasReady && this.#isDisplaced) {
        this.#onDisplaced(new NumacastError('NUMACAST_CONFLICT', `${this.plan.name} has ended: ${why}`))
      }
      return
    }
    const next = nextRestart(this.#history, performance.now() - this.#startedAtMs)
    this.#history = next.history
    this.#note(`${name} ended: ${how}; starting it again in ${next.delayMs / 1_000} s`)
    this.#restart = setTimeout(() => this.start(), next.delayMs)
  }

  #forward(stream: Readable | null, onLine?: (line: string) => void): void {
    if (stream === null) return
    createInterface({ input: stream }).on('line', (line) => {
      onLine?.(line)
      this.#note(`${this.plan.name}: ${line.replace(isOwnError, '')}`)
    })
  }
}
