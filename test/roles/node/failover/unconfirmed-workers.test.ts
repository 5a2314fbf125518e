import t from 'tap'
import { participantOf } from '../../../../src/core/ids.js'
import { seededRandom } from '../../../../src/core/random.js'
import { checkMs, LoopMonitor } from '../../../../src/core/time/loop-monitor.js'
import { RepeatingTimer } from '../../../../src/core/time/repeating-timer.js'
import { type ProcessProbe, type ProcessReading, unknownReading } from '../../../../src/liveliness/process-reading.js'
import { SelfMonitor } from '../../../../src/liveliness/self-monitor.js'
import type { Verdict } from '../../../../src/liveliness/verdict.js'
import { UnconfirmedWorkers } from '../../../../src/roles/node/failover/unconfirmed-workers.js'
import { BlockableLoop } from '../../../../src/testing/blockable-loop.js'
import { FakeClock } from '../../../../src/testing/fake-clock.js'
import { rosterRow, writerOf } from '../../../views/samples.js'

const leaseMs = 3_000
const worker = participantOf(writerOf('e'))
const allPeers = { watched: 8, late: 0 }
const noPeers = { watched: 8, late: 8 }

/** A participant that took over a node with one worker, on its own main loop, and watches eight other peers. */
class Adopter {
  readonly clock = new FakeClock()
  readonly loop = new BlockableLoop(this.clock, seededRandom(1))
  readonly observer = new SelfMonitor(checkMs, leaseMs, this.clock.nowMs())
  readonly inherited: UnconfirmedWorkers
  /** Verdicts on the worker, in order, with their time since the takeover. */
  readonly found: (Pick<Verdict, 'liveliness' | 'cause' | 'evidence'> & { readonly atMs: number })[] = []
  reading: ProcessReading = unknownReading
  receives = false
  survey = allPeers
  readonly #beganMs = this.clock.nowMs()
  readonly #closers: { close(): void }[]

  constructor() {
    const successor = { read: () => this.reading, listening: this.observer, receivesFrom: () => this.receives }
    this.inherited = new UnconfirmedWorkers(leaseMs, successor)
    this.#closers = [
      new LoopMonitor(this.loop, 0, (nowMs) => {
        this.observer.check(nowMs)
        this.observer.assessSilence(this.survey, nowMs)
      }),
      new RepeatingTimer(this.loop, 1_000, () => this.#judge()),
    ]
    this.inherited.offer(rosterRow(), this.#beganMs)
  }

  /** Advances to this time since the takeover. */
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

interface Scenario {
  readonly name: string
  readonly happens: (adopter: Adopter) => Promise<void>
  /** Verdicts within two minutes. */
  readonly finds: readonly object[]
  /** Earliest and latest time of the first verdict since the takeover. */
  readonly betweenMs?: readonly [number, number]
}

const scenarios: readonly Scenario[] = [
  {
    name: 'a silent worker without kernel evidence is dead after a lease',
    happens: async () => {},
    finds: [silentDeath],
    betweenMs: [3_000, 4_000],
  },
  {
    name: 'an adopter that is late from the start and then receives from the worker reports nothing',
    async happens(adopter) {
      await adopter.blocked(10, 6_000)
      await adopter.at(7_000)
      adopter.inherited.confirm(worker)
    },
    finds: [],
  },
  ...[600, 1_500, 2_700, 2_990].flatMap((fromMs) =>
    [400, 900, 6_000].map(
      (forMs): Scenario => ({
        name: `an adopter that is late for ${forMs} ms from ${fromMs} ms on and then receives from the worker reports nothing`,
        async happens(adopter) {
          await adopter.blocked(fromMs, forMs)
          // The frames of the worker waited in the socket.
          await adopter.at(fromMs + forMs + 500)
          adopter.inherited.confirm(worker)
        },
        finds: [],
      }),
    ),
  ),
  {
    name: 'an adopter that is late from the start declares a gone worker dead after a longer wait',
    happens: (adopter) => adopter.blocked(10, 6_000),
    finds: [silentDeath],
    betweenMs: [9_000, 36_000],
  },
  {
    name: 'an adopter that is always late subtracts its lateness from the silence and weighs the rest less',
    async happens(adopter) {
      for (let fromMs = 10; fromMs < 60_000; fromMs += 700) await adopter.blocked(fromMs, 600)
    },
    finds: [silentDeath],
    betweenMs: [60_000, 70_000],
  },
  {
    name: 'an adopter that receives from no peer counts silence only once it receives again',
    async happens(adopter) {
      await adopter.at(1_000)
      adopter.survey = noPeers
      await adopter.at(60_000)
      adopter.survey = allPeers
    },
    finds: [silentDeath],
    betweenMs: [62_000, 64_500],
  },
  {
    name: 'a worker that is received from, but sends no state, is not silent',
    async happens(adopter) {
      adopter.receives = true
      await adopter.at(120_000)
    },
    finds: [],
  },
  {
    name: 'a running worker that is received from, but sends no state, is not stalled',
    async happens(adopter) {
      adopter.receives = true
      adopter.reading = process('running')
    },
    finds: [],
  },
  {
    name: 'the silence of a worker counts from the last time it was received from',
    async happens(adopter) {
      adopter.receives = true
      await adopter.at(20_100)
      adopter.receives = false
    },
    finds: [silentDeath],
    betweenMs: [23_000, 25_000],
  },
  {
    name: 'a worker that the kernel reports as gone is dead at once',
    happens: async (adopter) => {
      adopter.reading = process('gone')
    },
    finds: [kernelDeath],
    betweenMs: [0, 1_000],
  },
  {
    name: 'a late adopter declares a worker that the kernel reports as gone dead at once',
    async happens(adopter) {
      adopter.reading = process('gone')
      await adopter.blocked(10, 6_000)
    },
    finds: [kernelDeath],
    betweenMs: [6_000, 6_100],
  },
  {
    name: 'an adopter that receives from no peer declares a worker that the kernel reports as gone dead at once',
    async happens(adopter) {
      adopter.survey = noPeers
      await adopter.at(30_500)
      adopter.reading = process('gone')
    },
    finds: [kernelDeath],
    betweenMs: [30_500, 31_500],
  },
  {
    name: 'a worker that the kernel reports as stopped is stalled and never dead, even if no peer is received from',
    async happens(adopter) {
      adopter.survey = noPeers
      adopter.reading = process('stopped')
    },
    finds: [{ liveliness: 'stalled', cause: 'stopped', evidence: 'kernel' }],
    betweenMs: [3_000, 4_000],
  },
  {
    name: 'a silent worker that the kernel reports as asleep is stalled, for an unknown reason',
    happens: async (adopter) => {
      adopter.reading = process('sleeping')
    },
    finds: [{ liveliness: 'stalled', cause: 'unknown', evidence: 'kernel' }],
    betweenMs: [3_000, 4_000],
  },
  {
    name: 'an adopter that receives from no peer reports nothing of a sleeping worker',
    async happens(adopter) {
      adopter.survey = noPeers
      adopter.reading = process('sleeping')
    },
    finds: [],
  },
]

for (const { name, happens, finds, betweenMs } of scenarios) {
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

t.test('the end of a worker that was discovered, but sent no state, is its detector’s verdict', (t) => {
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
  t.equal(inherited.ended(worker, verdict), undefined, 'reported once')
  t.end()
})
