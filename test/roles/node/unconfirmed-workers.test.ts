import t from 'tap'
import { participantOf } from '../../../src/core/ids.js'
import { checkMs, LoopMonitor } from '../../../src/core/loop-monitor.js'
import { seededRandom } from '../../../src/core/random.js'
import { RepeatingTimer } from '../../../src/core/repeating-timer.js'
import { type ProcessProbe, type ProcessReading, unknownReading } from '../../../src/liveliness/process-reading.js'
import { SelfMonitor } from '../../../src/liveliness/self-monitor.js'
import type { Verdict } from '../../../src/liveliness/verdict.js'
import { UnconfirmedWorkers } from '../../../src/roles/node/unconfirmed-workers.js'
import { BlockableLoop } from '../../../src/testing/blockable-loop.js'
import { FakeClock } from '../../../src/testing/fake-clock.js'
import { rosterRow, writerOf } from '../../views/samples.js'

const leaseMs = 3_000
const worker = participantOf(writerOf('e'))
const crowd = { watched: 8, late: 0 }
const nobody = { watched: 8, late: 8 }

/** Who took over a node with one worker, on a main loop of its own, watching eight others besides. */
class Adopter {
  readonly clock = new FakeClock()
  readonly loop = new BlockableLoop(this.clock, seededRandom(1))
  readonly observer = new SelfMonitor(checkMs, leaseMs, this.clock.nowMs())
  readonly inherited: UnconfirmedWorkers
  /** What it found of the worker, in order, and when after taking over. */
  readonly found: (Pick<Verdict, 'liveliness' | 'cause' | 'evidence'> & { readonly atMs: number })[] = []
  reading: ProcessReading = unknownReading
  hears = false
  survey = crowd
  readonly #beganMs = this.clock.nowMs()
  readonly #closers: { close(): void }[]

  constructor() {
    const successor = { read: () => this.reading, listening: this.observer, receivesFrom: () => this.hears }
    this.inherited = new UnconfirmedWorkers(leaseMs, successor)
    this.#closers = [
      new LoopMonitor(this.loop, 0, (nowMs) => {
        this.observer.check(nowMs)
        this.observer.survey(this.survey, nowMs)
      }),
      new RepeatingTimer(this.loop, 1_000, () => this.#judge()),
    ]
    this.inherited.offer(rosterRow(), this.#beganMs)
  }

  /** Moves to a time after it took over. */
  at(atMs: number): Promise<void> {
    return this.clock.advance(this.#beganMs + atMs - this.clock.nowMs())
  }

  async blocked(fromMs: number, forMs: number): Promise<void> {
    await this.at(fromMs)
    this.loop.block(forMs)
    await this.at(fromMs + forMs)
  }

  close(): void {
    for (const each of this.#closers) each.close()
  }

  #judge(): void {
    for (const { verdict } of this.inherited.judge(this.clock.nowMs())) {
      const { liveliness, cause, evidence } = verdict
      this.found.push({ liveliness, cause, evidence, atMs: this.clock.nowMs() - this.#beganMs })
    }
  }
}

const process = (state: ProcessProbe): ProcessReading => ({ state, cpuTimeMs: null, end: null })
const silentDeath = { liveliness: 'dead', cause: 'lease-expired', evidence: 'lease' }
const kernelDeath = { liveliness: 'dead', cause: 'exited', evidence: 'kernel' }

interface Story {
  readonly name: string
  readonly happens: (adopter: Adopter) => Promise<void>
  /** What is found within two minutes. */
  readonly finds: readonly object[]
  /** The first of it no sooner than this after taking over, and no later than that. */
  readonly betweenMs?: readonly [number, number]
}

const stories: readonly Story[] = [
  {
    name: 'silent, and the kernel cannot be asked: a lease decides',
    happens: async () => {},
    finds: [silentDeath],
    betweenMs: [3_000, 4_000],
  },
  {
    name: 'late at once, and then the worker is heard',
    async happens(adopter) {
      await adopter.blocked(10, 6_000)
      await adopter.at(7_000)
      adopter.inherited.confirm(worker)
    },
    finds: [],
  },
  ...[600, 1_500, 2_700, 2_990].flatMap((fromMs) =>
    [400, 900, 6_000].map(
      (forMs): Story => ({
        name: `late for ${forMs} ms from ${fromMs} on, and then the worker is heard`,
        async happens(adopter) {
          await adopter.blocked(fromMs, forMs)
          // Its frames waited in the socket.
          await adopter.at(fromMs + forMs + 500)
          adopter.inherited.confirm(worker)
        },
        finds: [],
      }),
    ),
  ),
  {
    name: 'late at once, and the worker is really gone: found, after more patience',
    happens: (adopter) => adopter.blocked(10, 6_000),
    finds: [silentDeath],
    betweenMs: [9_000, 36_000],
  },
  {
    name: 'late all the time: what it was late is off the silence, and the rest of it weighs less',
    async happens(adopter) {
      for (let fromMs = 10; fromMs < 60_000; fromMs += 700) await adopter.blocked(fromMs, 600)
    },
    finds: [silentDeath],
    betweenMs: [60_000, 70_000],
  },
  {
    name: 'deaf for long: silence counts from when it hears again',
    async happens(adopter) {
      await adopter.at(1_000)
      adopter.survey = nobody
      await adopter.at(60_000)
      adopter.survey = crowd
    },
    finds: [silentDeath],
    betweenMs: [62_000, 64_500],
  },
  {
    name: 'heard, though its word does not come: not silent',
    async happens(adopter) {
      adopter.hears = true
      await adopter.at(120_000)
    },
    finds: [],
  },
  {
    name: 'heard, though its word does not come, and at work: not stalled',
    async happens(adopter) {
      adopter.hears = true
      adopter.reading = process('running')
    },
    finds: [],
  },
  {
    name: 'heard for a while, and given up: silence counts from there',
    async happens(adopter) {
      adopter.hears = true
      await adopter.at(20_100)
      adopter.hears = false
    },
    finds: [silentDeath],
    betweenMs: [23_000, 25_000],
  },
  {
    name: 'the kernel says gone: at once, for one that is healthy',
    happens: async (adopter) => {
      adopter.reading = process('gone')
    },
    finds: [kernelDeath],
    betweenMs: [0, 1_000],
  },
  {
    name: 'the kernel says gone: at once, for one that was late',
    async happens(adopter) {
      adopter.reading = process('gone')
      await adopter.blocked(10, 6_000)
    },
    finds: [kernelDeath],
    betweenMs: [6_000, 6_100],
  },
  {
    name: 'the kernel says gone: at once, for one that is deaf',
    async happens(adopter) {
      adopter.survey = nobody
      await adopter.at(30_500)
      adopter.reading = process('gone')
    },
    finds: [kernelDeath],
    betweenMs: [30_500, 31_500],
  },
  {
    name: 'the kernel says stopped: stalled, also for one that is deaf, and never dead',
    async happens(adopter) {
      adopter.survey = nobody
      adopter.reading = process('stopped')
    },
    finds: [{ liveliness: 'stalled', cause: 'stopped', evidence: 'kernel' }],
    betweenMs: [3_000, 4_000],
  },
  {
    name: 'the kernel says asleep: blocked in a call',
    happens: async (adopter) => {
      adopter.reading = process('sleeping')
    },
    finds: [{ liveliness: 'stalled', cause: 'loop-busy', evidence: 'kernel' }],
    betweenMs: [3_000, 4_000],
  },
  {
    name: 'the kernel says asleep, to one that is deaf: nothing',
    async happens(adopter) {
      adopter.survey = nobody
      adopter.reading = process('sleeping')
    },
    finds: [],
  },
]

for (const { name, happens, finds, betweenMs } of stories) {
  t.test(name, async (t) => {
    const adopter = new Adopter()
    await happens(adopter)
    await adopter.at(120_000)
    adopter.close()
    t.match(adopter.found, finds)
    t.equal(adopter.found.length, finds.length)
    if (betweenMs === undefined) return
    const [first] = adopter.found
    const [fromMs, toMs] = betweenMs
    t.ok(first !== undefined && first.atMs >= fromMs && first.atMs <= toMs, `at ${first?.atMs}`)
  })
}

t.test('the end of one that was met, and had not said anything, is its detector’s word', (t) => {
  const { inherited } = new Adopter()
  const verdict: Verdict = {
    liveliness: 'dead',
    cause: 'goodbye',
    detail: null,
    sinceMs: 1_500,
    evidence: 'goodbye',
    reliableFromMs: null,
  }
  t.match(inherited.ended(worker, verdict), { row: { workerId: 'w' }, verdict })
  t.equal(inherited.size, 0)
  t.equal(inherited.ended(worker, verdict), undefined, 'told once')
  t.end()
})
