import { closeTogether } from '../../core/close-all.js'
import { eventually, until } from '../eventually.js'
import { described, type MemberEnvironment, MemberProcess } from './member-process.js'
import type { MemberReport, MemberSpec, PeerState } from './member-spec.js'

/**
 * A fleet of real processes in one domain: collectors, workers and observers that a test blocks, stops and kills. Every
 * observer is checked against one rule: a process that runs is never reported `dead` ({@link falseDeaths}).
 *
 * ```ts
 * await using fleet = new ProcessFleet(7)
 * await fleet.collector()
 * const worker = await fleet.workers(['w1'])
 * const view = await fleet.view()
 * await fleet.seesAlive(view, worker)
 * worker.signal('SIGKILL')
 * await fleet.seen(view, worker, /^dead \(killed\)/)
 * ```
 */
export class ProcessFleet implements AsyncDisposable {
  readonly domain: number
  readonly members: MemberProcess[] = []
  /** Reports that a process is dead while it ran and was not meant to end. */
  readonly falseDeaths: string[] = []

  /** @param domain a domain that no other plane of the host uses */
  constructor(domain: number) {
    this.domain = domain
  }

  collector(extra: Partial<MemberSpec> = {}, environment?: MemberEnvironment): Promise<MemberProcess> {
    return this.start({ role: 'collector', name: 'collector', ...extra }, environment)
  }

  view(extra: Partial<MemberSpec> = {}, environment?: MemberEnvironment): Promise<MemberProcess> {
    return this.start({ role: 'view', name: 'view', ...extra }, environment)
  }

  watcher(extra: Partial<MemberSpec> = {}, environment?: MemberEnvironment): Promise<MemberProcess> {
    return this.start({ role: 'watcher', name: 'watcher', ...extra }, environment)
  }

  /** Starts one process that runs all these workers. */
  workers(
    workerIds: readonly string[],
    extra: Partial<MemberSpec> = {},
    environment?: MemberEnvironment,
  ): Promise<MemberProcess> {
    return this.start({ role: 'workers', name: workerIds.join('+'), workerIds, ...extra }, environment)
  }

  /** Starts a participant that writes values of its own and reads those of all peers; see {@link converged}. */
  peer(name: string, extra: Partial<MemberSpec> = {}, environment?: MemberEnvironment): Promise<MemberProcess> {
    return this.start({ role: 'peer', name, ...extra }, environment)
  }

  /** Starts a member. Resolves when it has joined. */
  start(spec: Omit<MemberSpec, 'domain'>, environment?: MemberEnvironment): Promise<MemberProcess> {
    const member = new MemberProcess({ ...spec, domain: this.domain }, environment)
    this.members.push(member)
    member.child.on('message', (report: MemberReport) => this.#check(member, report))
    return member.ready()
  }

  /** Waits until the observer's last report on each worker of these processes is `alive`. */
  async seesAlive(observer: MemberProcess, ...processes: readonly MemberProcess[]): Promise<void> {
    for (const process of processes) {
      for (const workerId of process.spec.workerIds ?? []) {
        await until(`${observer.spec.name} sees ${workerId} (${process.pid}) alive`, () => {
          const last = observer.sightings(workerId).at(-1)
          return last !== undefined && process.is(last) && last.liveliness === 'alive'
        })
      }
    }
  }

  /** Waits until the last verdict of the observer's participant on every participant of these processes is `alive`. */
  async holdsAlive(observer: MemberProcess, ...processes: readonly MemberProcess[]): Promise<void> {
    for (const process of processes) {
      await until(`${observer.spec.name} holds ${process.spec.name} alive`, () =>
        process.incarnations.every((incarnation) => observer.lastVerdict(process, incarnation) === 'alive'),
      )
    }
  }

  /** Waits until the observer's participant has discovered the other's. */
  async discovers(observer: MemberProcess, other: MemberProcess): Promise<void> {
    await until(`${observer.spec.name} discovers ${other.spec.name}`, () =>
      observer.reports.some((report) => report.kind === 'peer' && other.is(report)),
    )
  }

  /** Waits until the observer's participant has reached this verdict on the other: `dead (killed)`, … */
  async judges(observer: MemberProcess, other: MemberProcess, verdict: RegExp): Promise<void> {
    await until(`${observer.spec.name} judges ${other.spec.name} ${verdict}`, () =>
      observer.reports.some((report) => report.kind === 'peer' && other.is(report) && verdict.test(described(report))),
    )
  }

  /** Waits until the observer has seen the worker in this state at least once. Returns the detail. */
  async seen(observer: MemberProcess, worker: MemberProcess, liveliness: RegExp): Promise<string | null> {
    const [workerId = ''] = worker.spec.workerIds ?? []
    const find = () => observer.sightings(workerId, worker).find((one) => liveliness.test(described(one)))
    try {
      await until(`${observer.spec.name} sees ${workerId} ${liveliness}`, () => find() !== undefined)
    } catch (error) {
      const history = observer.history(workerId, worker).join(', ')
      throw new Error(`${messageOf(error)}; it saw ${history}`, { cause: error })
    }
    return find()?.detail ?? null
  }

  /** Waits until the last state in which the observer saw the worker is this one. */
  async seesLast(observer: MemberProcess, worker: MemberProcess, liveliness: RegExp): Promise<void> {
    const [workerId = ''] = worker.spec.workerIds ?? []
    const last = () => observer.history(workerId, worker).at(-1) ?? 'nothing'
    try {
      await until(`${observer.spec.name} sees ${workerId} ${liveliness} last`, () => liveliness.test(last()))
    } catch (error) {
      throw new Error(`${messageOf(error)}; it sees ${last()}`, { cause: error })
    }
  }

  /** Waits until the changes that the view reported of the worker match: `alive, killed`, … */
  async reports(view: MemberProcess, worker: MemberProcess, changes: RegExp): Promise<void> {
    const [workerId = ''] = worker.spec.workerIds ?? []
    const reported = () =>
      view
        .changes(workerId, worker)
        .map(({ after }) => after)
        .join(', ')
    await until(`${view.spec.name} reports of ${workerId}: ${changes}`, () => changes.test(reported()))
  }

  /** Waits until each of these peers holds exactly what all of them wrote last. Returns their states. */
  converged(...peers: readonly MemberProcess[]): Promise<readonly PeerState[]> {
    const what = `${peers.map(({ spec }) => spec.name).join(', ')} hold the same`
    return eventually(what, async () => {
      const states = await Promise.all(peers.map((peer) => peer.state()))
      const all = sorted(Object.assign({}, ...states.map(({ own }) => own)))
      return states.every(({ held }) => sorted(held) === all) ? states : undefined
    })
  }

  /** Waits until the peer has these verdicts on other peers, given by name. */
  async holds(peer: MemberProcess, verdicts: Readonly<Record<string, string>>): Promise<void> {
    await eventually(`${peer.spec.name} holds ${JSON.stringify(verdicts)}`, async () => {
      const { peers } = await peer.state()
      return Object.entries(verdicts).every(([name, liveliness]) => peers[name] === liveliness) || undefined
    })
  }

  /** Members that ended although no test ended them, with what they wrote to stderr. */
  get unexpectedEnds(): string[] {
    return this.members
      .filter(({ isRunning, mayEnd }) => !isRunning && !mayEnd)
      .map(({ spec, stderr }) => `${spec.name} has ended: ${stderr}`)
  }

  /** Ends every process. Idempotent. */
  async close(): Promise<void> {
    await closeTogether(this.members.map((member) => () => member.end()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #check(observer: MemberProcess, report: MemberReport): void {
    if (report.kind !== 'sighting' && report.kind !== 'peer') return
    if (report.liveliness !== 'dead') return
    const runs = this.members.some((member) => member.is(report) && member.isRunning && !member.mayEnd)
    if (runs) this.falseDeaths.push(`${observer.spec.name} reports ${JSON.stringify(report)}`)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function sorted(values: Readonly<Record<string, number>>): string {
  return JSON.stringify(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)))
}
