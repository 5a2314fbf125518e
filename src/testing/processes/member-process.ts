import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { eventually, until } from '../eventually.js'
import type { BlockedPhase } from './blocked-loop.js'
import { childrenOf } from './child-processes.js'
import type { MemberCommand, MemberReport, MemberSpec, PeerState, Sighting } from './member-spec.js'
import type { ProcessUsage } from './process-usage.js'

/** Signals that do not end a process. */
const harmlessSignals: ReadonlySet<NodeJS.Signals> = new Set(['SIGSTOP', 'SIGCONT', 'SIGURG'])
/** Commands that do not end a process. */
const harmlessCommands: ReadonlySet<MemberCommand['do']> = new Set([
  'block',
  'measure',
  'tell-state',
  'tell-time',
  'write',
])
const program = fileURLToPath(new URL('./member-program.js', import.meta.url))

/** Where and how a member's process is started. */
export interface MemberEnvironment {
  /** A command before the member's own command line that executes it: `nsenter`, `taskset`, `unshare`, … */
  readonly prefix?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** Options of Node: `--expose-gc`, … */
  readonly nodeOptions?: readonly string[]
  /** Whether the prefix starts the member as its child and waits: signals then go to that child. @default false */
  readonly forks?: boolean
}

/** A member of a {@link ProcessFleet}: its process, and everything that it has reported. */
export class MemberProcess {
  readonly spec: MemberSpec
  readonly environment: MemberEnvironment
  readonly child: ChildProcess
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>
  /** Oldest first. */
  readonly reports: MemberReport[] = []
  /** Whether the test has ended the process, or told it to end: `dead` is then a true verdict. */
  mayEnd = false
  stderr = ''
  incarnations: readonly number[] = []
  #pid: number | undefined

  /** Starts the process. {@link ready} resolves when it has joined. */
  constructor(spec: MemberSpec, environment: MemberEnvironment = {}) {
    this.spec = spec
    this.environment = environment
    const own = [process.execPath, ...(environment.nodeOptions ?? []), program, JSON.stringify(spec)]
    const [command = process.execPath, ...args] = [...(environment.prefix ?? []), ...own]
    this.child = spawn(command, args, {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      env: { ...process.env, ...environment.environment },
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.child.on('message', (report: MemberReport) => {
      this.reports.push(report)
      if (report.kind !== 'ready') return
      this.#pid = report.pid
      this.incarnations = report.incarnations
    })
    this.ended = once(this.child, 'exit').then(() => undefined)
  }

  /** The member's own pid. It differs from the child's if the prefix forks. */
  get pid(): number {
    return this.#pid ?? this.child.pid ?? 0
  }
  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  /** @throws Error when the process ends first, with what it wrote to stderr */
  async ready(): Promise<this> {
    await until(`${this.spec.name} is ready`, () => {
      if (!this.isRunning) throw new Error(`${this.spec.name} ended before it was ready: ${this.stderr}`)
      return this.reports.some(({ kind }) => kind === 'ready')
    })
    return this
  }

  send(command: MemberCommand): void {
    if (!harmlessCommands.has(command.do)) this.mayEnd = true
    this.child.send(command)
  }

  /** Asks the member for its wall clock. */
  async wallMs(): Promise<number> {
    return (await this.#ask({ do: 'tell-time' }, 'time')).wallMs
  }

  /** Blocks the member's event loop `times` times. Resolves when that is over. */
  async block(phase: BlockedPhase, ms: number, times = 1): Promise<void> {
    await this.#ask({ do: 'block', phase, ms, times }, 'blocked')
  }

  /** Lets a `peer` make that many changes, one every 5 ms. Resolves when it has made them. */
  async write(changes: number): Promise<void> {
    await this.#ask({ do: 'write', changes }, 'wrote')
  }

  /** Asks a `peer` for what it holds and has observed. */
  async state(): Promise<PeerState> {
    return (await this.#ask({ do: 'tell-state' }, 'state')).state
  }

  /** Measures for `ms` what the process uses. */
  async measure(ms: number): Promise<ProcessUsage> {
    return (await this.#ask({ do: 'measure', ms }, 'usage')).usage
  }

  signal(signal: NodeJS.Signals): void {
    if (!harmlessSignals.has(signal)) this.mayEnd = true
    const target = this.environment.forks === true ? childrenOf(this.child.pid ?? 0)[0] : this.child.pid
    if (target !== undefined) process.kill(target, signal)
  }

  /** Kills the process if it still runs, and waits for its end. */
  async end(): Promise<void> {
    this.mayEnd = true
    try {
      if (this.isRunning) this.signal('SIGKILL')
    } catch (error) {
      // It has ended just now: its parent, which the prefix started, has not.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
    await this.ended
  }

  /** Returns how this observer has seen a worker, oldest first: `alive`, `stalled (loop-busy)`, … */
  history(workerId: string, of?: MemberProcess): string[] {
    return this.sightings(workerId, of).map(described)
  }

  /** Returns what this observer reported of a worker; with `of`, of that process only. */
  sightings(workerId: string, of?: MemberProcess): Sighting[] {
    return this.reports.filter(
      (report): report is Sighting =>
        report.kind === 'sighting' && report.workerId === workerId && (of === undefined || of.is(report)),
    )
  }

  /** Returns each report in which this observer reached the verdict, on a participant or a worker. */
  verdicts(liveliness: string): MemberReport[] {
    return this.reports.filter(
      (report) => (report.kind === 'peer' || report.kind === 'sighting') && report.liveliness === liveliness,
    )
  }

  /** Returns the changes that this view reported of a worker that runs in that process. */
  changes(workerId: string, of: MemberProcess): (MemberReport & { kind: 'change' })[] {
    return this.reports.filter(
      (report): report is MemberReport & { kind: 'change' } =>
        report.kind === 'change' && report.workerId === workerId && of.is(report),
    )
  }

  /** Returns the last verdict of this observer's participant on a participant of that process. */
  lastVerdict(of: MemberProcess, incarnation: number): string | undefined {
    const last = this.reports.findLast(
      (report) => report.kind === 'peer' && of.is(report) && report.incarnation === incarnation,
    )
    return last?.kind === 'peer' ? last.liveliness : undefined
  }

  /** Returns whether a report is about this process. The pid alone may have been another's before. */
  is({ pid, incarnation }: { readonly pid: number; readonly incarnation: number }): boolean {
    return pid === this.pid && this.incarnations.includes(incarnation)
  }

  /** Sends a command, and returns the first report of this kind that follows it. */
  async #ask<K extends MemberReport['kind']>(
    command: MemberCommand,
    kind: K,
  ): Promise<Extract<MemberReport, { kind: K }>> {
    const before = this.reports.length
    this.send(command)
    return eventually(
      `${this.spec.name} answers ${JSON.stringify(command)}`,
      () => {
        if (!this.isRunning) throw new Error(`${this.spec.name} ended before it answered: ${this.stderr}`)
        return this.reports
          .slice(before)
          .find((report): report is Extract<MemberReport, { kind: K }> => report.kind === kind)
      },
      1,
    )
  }
}

/** Returns a verdict in one line: `alive`, `stalled (loop-busy)`, … */
export function described({ liveliness, cause }: Pick<Sighting, 'liveliness' | 'cause'>): string {
  return cause === null ? liveliness : `${liveliness} (${cause})`
}
