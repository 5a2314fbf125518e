import type { Test } from 'tap'
import type { Machine } from '../machine.js'
import type { WallClockMeasurement, WallClockPhase } from '../protocol.js'

const hourMs = 3_600_000
/** The clock is set to whole seconds; an emulated CPU takes its time over it, and a busy host more. */
const stepToleranceMs = 60_000
/** What a busy host may add to an age, or to the way that an intent takes; a wrong clock is off by an hour. */
const delayMs = 120_000
/** Ages are sent in whole milliseconds, and rounded on the way. */
const roundingMs = 5

export function checkWallClock(t: Test, _machine: Machine, { phases, late }: WallClockMeasurement): void {
  t.same(
    phases.slice(0, 4).map(({ hours }) => hours),
    [0, 1, -2, 1],
    'the clock was left alone, and set forth, back and right again',
  )
  for (const phase of phases) checkPhase(t, phase)
  checkCalm(t, phases)

  const { workerIds } = phases.at(-1) ?? {}
  t.equal(late.nodes, 1, 'a late joiner knows the node')
  t.same([...late.alive].sort(), [...(workerIds ?? [])].sort(), 'a late joiner sees every worker alive')
  const offMs = Number(late.expiresInMs) - late.shouldExpireInMs
  t.ok(
    late.expiresInMs !== null && Math.abs(offMs) < delayMs,
    `a late joiner knows how long an intent holds: ${offMs} ms off`,
  )
}

function checkPhase(t: Test, phase: WallClockPhase): void {
  const { hours, workerIds, ages, ttlMs, heldMs } = phase
  const title = titleOf(phase)
  const stepErrorMs = phase.steppedMs - hours * hourMs
  t.ok(Math.abs(stepErrorMs) < stepToleranceMs, `${title}: it was, give or take ${stepErrorMs} ms`)
  t.notMatch(words(phase), /dead|unreachable/, `${title}: nobody is lost`)
  t.ok(ages.leastMs >= 0 && ages.mostMs < delayMs, `${title}: ages are ${ages.leastMs} to ${ages.mostMs} ms`)
  t.ok(phase.longestLivelinessMs <= phase.uptimeMs, `${title}: nobody has lived for longer than the machine`)
  t.same(phase.working, [...workerIds].sort(), `${title}: every worker completes jobs`)
  const holders = [...workerIds, 'scheduler'].sort()
  t.same(Object.keys(heldMs).sort(), holders, `${title}: an intent ends for everybody`)
  for (const [holder, ms] of Object.entries(heldMs)) {
    t.ok(
      ms >= ttlMs - roundingMs && ms < ttlMs + delayMs,
      `${title}: ${holder} holds to an intent of ${ttlMs} ms for ${ms} ms`,
    )
  }
  t.same([...phase.stillHeldBy].sort(), holders, `${title}: an intent of half an hour holds on`)
}

/**
 * On a machine that is not short of CPU time nothing at all is told. One that is may show a worker as stalled at any
 * time, and then does so when the clock is left alone, too; what the clock did would come again with each step.
 */
function checkCalm(t: Test, phases: readonly WallClockPhase[]): void {
  const untouched = phases.filter(({ hours }) => hours === 0)
  if (untouched.every((phase) => phase.sightings.length > 0)) {
    t.comment(`too busy to tell: without any step of the clock ${untouched.map(words).join('; ')}`)
    return
  }
  for (const step of [1, 2, 3]) {
    const tries = phases.filter((_, index) => index % 4 === step)
    t.ok(
      tries.some(({ sightings }) => sightings.length === 0),
      `${tries.map((phase) => `${titleOf(phase)}: ${words(phase) || 'nothing is told'}`).join('; ')}`,
    )
  }
}

const titleOf = ({ round, hours }: WallClockPhase): string =>
  `round ${round}, ${hours === 0 ? 'untouched' : `stepped by ${hours} h`}`

const words = ({ sightings }: WallClockPhase): string =>
  sightings.map(({ workerId, liveliness, cause }) => `${workerId} ${liveliness} (${cause})`).join(', ')
