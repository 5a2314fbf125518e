import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { until } from '../support/eventually.js'
import { childrenOf } from '../support/processes.js'
import type { MemberSpec, Order, Sighting, Word } from './member.js'

/** What a process may well live through. */
const harmless: ReadonlySet<NodeJS.Signals> = new Set(['SIGSTOP', 'SIGCONT', 'SIGURG'])
const program = fileURLToPath(new URL('./member.js', import.meta.url))

export interface MemberSurroundings {
  /** A command that executes the rest of its line, or has it executed and passes on what it says. */
  readonly prefix?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** The prefix starts the rest as a child and waits for it: signals are meant for that. @default false */
  readonly forks?: boolean
}

/** A member of the fleet in a process of its own, everything that it has said, and whether it was meant to live. */
export class MemberProcess {
  readonly spec: MemberSpec
  readonly surroundings: MemberSurroundings
  readonly child: ChildProcess
  readonly ended: Promise<void>
  readonly words: Word[] = []
  /** The test has ended it, or ordered it to end: from now on `dead` is true. */
  condemned = false
  /** What it wrote to stderr; of interest when it ended unasked. */
  complaints = ''
  incarnations: readonly number[] = []
  #pid: number | undefined

  constructor(spec: MemberSpec, surroundings: MemberSurroundings = {}) {
    this.spec = spec
    this.surroundings = surroundings
    const [command = process.execPath, ...args] = [
      ...(surroundings.prefix ?? []),
      process.execPath,
      program,
      JSON.stringify(spec),
    ]
    this.child = spawn(command, args, {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      env: { ...process.env, ...surroundings.environment },
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.complaints += text
    })
    this.child.on('message', (word: Word) => {
      this.words.push(word)
      if (word.say === 'ready') {
        this.#pid = word.pid
        this.incarnations = word.incarnations
      }
    })
    this.ended = once(this.child, 'exit').then(() => undefined)
  }

  /** Its own, which differs from the child's where something stands between them. */
  get pid(): number {
    return this.#pid ?? this.child.pid ?? 0
  }
  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  async ready(): Promise<this> {
    await until(`${this.spec.name} is ready`, () => {
      if (!this.isRunning) throw new Error(`${this.spec.name} has ended before it was ready: ${this.complaints}`)
      return this.words.some(({ say }) => say === 'ready')
    })
    return this
  }

  order(order: Order): void {
    if (order.do !== 'block' && order.do !== 'tell-time') this.condemned = true
    this.child.send(order)
  }

  /** What its wall clock says. */
  async wallMs(): Promise<number> {
    const asked = this.words.length
    this.order({ do: 'tell-time' })
    let wallMs: number | undefined
    await until(`${this.spec.name} tells the time`, () => {
      for (const word of this.words.slice(asked)) if (word.say === 'time') wallMs = word.wallMs
      return wallMs !== undefined
    })
    return wallMs ?? Number.NaN
  }

  /** Blocks its event loop, so many times in a row; resolves when that is over. */
  async block(phase: (Order & { do: 'block' })['phase'], ms: number, times = 1): Promise<void> {
    const before = this.#count('blocked')
    this.order({ do: 'block', phase, ms, times })
    const what = `${times} × ${ms} ms in ${phase}`
    await until(`${this.spec.name} has been blocked ${what}`, () => this.#count('blocked') > before)
  }

  signal(signal: NodeJS.Signals): void {
    if (!harmless.has(signal)) this.condemned = true
    const target = this.surroundings.forks === true ? childrenOf(this.child.pid ?? 0)[0] : this.child.pid
    if (target !== undefined) process.kill(target, signal)
  }

  /** Ends it if it still runs, stopped or not. */
  async end(): Promise<void> {
    if (this.isRunning) this.signal('SIGKILL')
    await this.ended
  }

  /** How it has seen a worker, oldest first: `alive`, `stalled (loop-busy)`, … */
  history(workerId: string, of?: MemberProcess): string[] {
    return this.sightings(workerId, of).map(described)
  }

  /** What it said of a worker; `of` that process only. */
  sightings(workerId: string, of?: MemberProcess): Sighting[] {
    return this.words.filter(
      (word): word is Sighting =>
        word.say === 'sighting' && word.workerId === workerId && (of === undefined || of.is(word)),
    )
  }

  /** Each time that it came to this verdict, its participant or, as a view, on a worker. */
  verdicts(liveliness: string): Word[] {
    return this.words.filter(
      (word) => (word.say === 'peer' || word.say === 'sighting') && word.liveliness === liveliness,
    )
  }

  /** What it told, as a view, of a worker with that process. */
  changes(workerId: string, of: MemberProcess): (Word & { say: 'change' })[] {
    return this.words.filter(
      (word): word is Word & { say: 'change' } => word.say === 'change' && word.workerId === workerId && of.is(word),
    )
  }

  /** What its participant last said of that participant of the process. */
  lastVerdict(of: MemberProcess, incarnation: number): string | undefined {
    const last = this.words.findLast((word) => word.say === 'peer' && of.is(word) && word.incarnation === incarnation)
    return last?.say === 'peer' ? last.liveliness : undefined
  }

  /** Whether these words are about this process: a pid alone may have been another's before. */
  is(word: { readonly pid: number; readonly incarnation: number }): boolean {
    return word.pid === this.pid && this.incarnations.includes(word.incarnation)
  }

  #count(kind: Word['say']): number {
    return this.words.filter(({ say }) => say === kind).length
  }
}

/** `alive`, `stalled (loop-busy)`, … */
export function described({ liveliness, cause }: Pick<Sighting, 'liveliness' | 'cause'>): string {
  return cause === null ? liveliness : `${liveliness} (${cause})`
}
