import type { Test } from 'tap'
import { claimDomain } from '../support/domain-lock.js'
import { until } from '../support/eventually.js'
import type { MemberSpec, Word } from './member.js'
import { described, MemberProcess, type MemberSurroundings } from './member-process.js'

/** How often each case is played; CI plays a few, `NUMACAST_FAULT_ROUNDS=50` looks for what is rare. */
export const rounds = Math.max(1, Number(process.env.NUMACAST_FAULT_ROUNDS ?? 1))

/** A fleet of real processes in one domain, whose every observer is held to the one rule: nobody alive is `dead`. */
export class Fleet {
  readonly domain: number
  readonly members: MemberProcess[] = []
  /** What an observer said of a process that lived and was meant to. */
  readonly falseDeaths: string[] = []

  constructor(domain: number) {
    this.domain = domain
  }

  collector(extra: Partial<MemberSpec> = {}, surroundings?: MemberSurroundings): Promise<MemberProcess> {
    return this.start({ role: 'collector', name: 'collector', ...extra }, surroundings)
  }

  view(extra: Partial<MemberSpec> = {}, surroundings?: MemberSurroundings): Promise<MemberProcess> {
    return this.start({ role: 'view', name: 'view', ...extra }, surroundings)
  }

  watcher(extra: Partial<MemberSpec> = {}, surroundings?: MemberSurroundings): Promise<MemberProcess> {
    return this.start({ role: 'watcher', name: 'watcher', ...extra }, surroundings)
  }

  /** One process with all these workers in it. */
  workers(
    workerIds: readonly string[],
    extra: Partial<MemberSpec> = {},
    surroundings?: MemberSurroundings,
  ): Promise<MemberProcess> {
    return this.start({ role: 'workers', name: workerIds.join('+'), workerIds, ...extra }, surroundings)
  }

  /** Resolves when it has joined. */
  start(spec: Omit<MemberSpec, 'domain'>, surroundings?: MemberSurroundings): Promise<MemberProcess> {
    const member = new MemberProcess({ ...spec, domain: this.domain }, surroundings)
    this.members.push(member)
    member.child.on('message', (word: Word) => this.#check(member, word))
    return member.ready()
  }

  /** Until the observer's last word on each of these workers, of the process that runs them now, is `alive`. */
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

  /** Until the observer's participant holds every participant of these processes for alive. */
  async holdsAlive(observer: MemberProcess, ...processes: readonly MemberProcess[]): Promise<void> {
    for (const process of processes) {
      await until(`${observer.spec.name} holds ${process.spec.name} alive`, () =>
        process.incarnations.every((incarnation) => observer.lastVerdict(process, incarnation) === 'alive'),
      )
    }
  }

  /** Until the observer's participant has met the process's. */
  async meets(observer: MemberProcess, other: MemberProcess): Promise<void> {
    await until(`${observer.spec.name} meets ${other.spec.name}`, () =>
      observer.words.some((word) => word.say === 'peer' && other.is(word)),
    )
  }

  /** Until the observer's participant has judged the process's so: `dead (killed)`, … */
  async hears(observer: MemberProcess, other: MemberProcess, verdict: RegExp): Promise<void> {
    await until(`${observer.spec.name} hears that ${other.spec.name} is ${verdict}`, () =>
      observer.words.some((word) => word.say === 'peer' && other.is(word) && verdict.test(described(word))),
    )
  }

  /** Until the observer has once seen the worker so, with this process. Answers with the detail. */
  async seen(observer: MemberProcess, worker: MemberProcess, liveliness: RegExp): Promise<string | null> {
    const [workerId = ''] = worker.spec.workerIds ?? []
    const find = () => observer.sightings(workerId, worker).find((one) => liveliness.test(described(one)))
    try {
      await until(`${observer.spec.name} sees ${workerId} ${liveliness}`, () => find() !== undefined)
    } catch (error) {
      const history = observer.history(workerId, worker).join(', ')
      throw new Error(`${error instanceof Error ? error.message : error}; it saw ${history}`, { cause: error })
    }
    return find()?.detail ?? null
  }

  /** Until the last that the observer has seen of the worker, with this process, is this: what came before is past. */
  async seesLast(observer: MemberProcess, worker: MemberProcess, liveliness: RegExp): Promise<void> {
    const [workerId = ''] = worker.spec.workerIds ?? []
    const last = () => observer.history(workerId, worker).at(-1) ?? 'nothing'
    try {
      await until(`${observer.spec.name} sees ${workerId} ${liveliness} at last`, () => liveliness.test(last()))
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : error}; it sees ${last()}`, { cause: error })
    }
  }

  /** Until what the view has told of the worker, with this process, is this: `alive, killed`, … */
  async tells(view: MemberProcess, worker: MemberProcess, changes: RegExp): Promise<void> {
    const [workerId = ''] = worker.spec.workerIds ?? []
    const told = () =>
      view
        .changes(workerId, worker)
        .map(({ after }) => after)
        .join(', ')
    await until(`${view.spec.name} tells of ${workerId}: ${changes}`, () => changes.test(told()))
  }

  /** Those that ended unasked, with their last words. */
  get casualties(): string[] {
    return this.members
      .filter(({ isRunning, condemned }) => !isRunning && !condemned)
      .map(({ spec, complaints }) => `${spec.name} has ended: ${complaints}`)
  }

  /** Ends every process. */
  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.end()))
  }

  #check(observer: MemberProcess, word: Word): void {
    if (word.say !== 'sighting' && word.say !== 'peer') return
    if (word.liveliness !== 'dead') return
    const lives = this.members.some((member) => member.is(word) && member.isRunning && !member.condemned)
    if (!lives) return
    this.falseDeaths.push(`${observer.spec.name} says ${JSON.stringify(word)}`)
  }
}

/** Plays a story, `rounds` times, with a fleet of its own each time; nobody alive may be called dead in it. */
export function withFleet(t: Test, name: string, story: (t: Test, fleet: Fleet) => Promise<void>): Promise<unknown> {
  // Buffered: a test that sets `t.jobs` plays several stories at a time.
  return t.test(name, { buffered: t.jobs > 1 }, async (t) => {
    for (let round = 1; round <= rounds; round++) {
      await t.test(`round ${round}`, async (t) => {
        const fleet = new Fleet(await claimDomain(t))
        try {
          await story(t, fleet)
          t.strictSame(fleet.falseDeaths, [], 'nobody who lived was called dead')
          t.strictSame(fleet.casualties, [], 'nobody ended unasked')
        } catch (error) {
          t.comment(
            [...fleet.falseDeaths, ...fleet.casualties].join('\n') || 'nobody was called dead, or ended, wrongly',
          )
          throw error
        } finally {
          await fleet.close()
        }
      })
    }
  })
}
