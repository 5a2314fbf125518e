import type { Test } from 'tap'
import type { Machine } from '../machine.js'
import type { WallClockMeasurement, WallClockPhase } from '../protocol.js'

const hourMs = 3_600_000
/** The clock is set to whole seconds. Setting it takes time on an emulated CPU, and more on a busy host. */
const stepToleranceMs = 60_000
/** What a busy host may add to an age, or to the delay of an intent. A wrong clock is off by an hour. */
const delayMs = 120_000
/** Ages are sent as whole milliseconds, with rounding. */
const roundingMs = 5

export function checkWallClock(t: Test, _machine: Machine, { phases, late }: WallClockMeasurement): void {
  t.same(
    phases.slice(0, 4).map(({ hours }) => hours),
    [0, 1, -2, 1],
    'the clock was unchanged, set forward, set back and corrected',
  )
  for (const phase of phases) checkPhase(t, phase)
  checkCalm(t, phases)

  const { workerIds } = phases.at(-1) ?? {}
  t.equal(late.nodes, 1, 'a late joiner knows the node')
  t.same([...late.alive].sort(), [...(workerIds ?? [])].sort(), 'a late joiner sees every worker alive')
  const offMs = Number(late.expiresInMs) - late.shouldExpireInMs
  t.ok(
    late.expiresInMs !== null && Math.abs(offMs) < delayMs,
    `a late joiner knows when an intent expires: ${offMs} ms off`,
  )
}

function checkPhase(t: Test, phase: WallClockPhase): void {
  const { hours, workerIds, ages, ttlMs, heldMs } = phase
  const title = titleOf(phase)
  const stepErrorMs = phase.steppedMs - hours * hourMs
  t.ok(Math.abs(stepErrorMs) < stepToleranceMs, `${title}: the step was made, within ${stepErrorMs} ms`)
  t.notMatch(words(phase), /dead|unreachable/, `${title}: no participant is lost`)
  t.ok(ages.leastMs >= 0 && ages.mostMs < delayMs, `${title}: ages are ${ages.leastMs} to ${ages.mostMs} ms`)
  t.ok(phase.longestLivelinessMs <= phase.uptimeMs, `${title}: no liveliness is older than the machine`)
  t.same(phase.working, [...workerIds].sort(), `${title}: every worker completes jobs`)
  const holders = [...workerIds, 'scheduler'].sort()
  t.same(Object.keys(heldMs).sort(), holders, `${title}: an intent ends for each holder`)
  for (const [holder, ms] of Object.entries(heldMs)) {
    t.ok(
      ms >= ttlMs - roundingMs && ms < ttlMs + delayMs,
      `${title}: ${holder} keeps an intent of ${ttlMs} ms for ${ms} ms`,
    )
  }
  t.same([...phase.stillHeldBy].sort(), holders, `${title}: an intent of half an hour stays in force`)
}

/**
 * On a machine with enough CPU time no change is reported. A machine that is short of CPU may show a worker as stalled
 * at any time, also while the clock is unchanged. An effect of the clock would recur with each step.
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
      `${tries.map((phase) => `${titleOf(phase)}: ${words(phase) || 'no change'}`).join('; ')}`,
    )
  }
}

const titleOf = ({ round, hours }: WallClockPhase): string =>
  `round ${round}, ${hours === 0 ? 'untouched' : `stepped by ${hours} h`}`

const words = ({ sightings }: WallClockPhase): string =>
  sightings.map(({ workerId, liveliness, cause }) => `${workerId} ${liveliness} (${cause})`).join(', ')
