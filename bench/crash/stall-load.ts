import { setTimeout as delay } from 'node:timers/promises'
import type { Group } from './group.js'

/** Stalls that happen to healthy programs: a long computation, a suspended machine, a debugger, a full swap. */
const stallsMs = [2_000, 5_000, 8_000] as const
const breathMs = 1_000
const observerStallMs = 5_000
const observerBreathMs = 10_000
/** After the last stall: pending suspicions may still become verdicts. */
const aftermathMs = 10_000

export interface StallResult {
  readonly falseDeaths: number
  readonly nodeHours: number
}

/**
 * Stalls the members in turn, one at a time, by SIGSTOP or, if they have an event loop, by keeping it busy. In between it
 * stalls their observers. No member dies, so each report of a death is false.
 */
export async function measureStalls(group: Group, seconds: number): Promise<StallResult> {
  let falseDeaths = 0
  group.onDeath(() => {
    falseDeaths++
  })
  const startMs = performance.now()
  const untilMs = startMs + seconds * 1_000
  await Promise.all([stallMembers(group, untilMs), stallObservers(group, untilMs)])
  await delay(aftermathMs)
  const hours = (performance.now() - startMs) / 3_600_000
  return { falseDeaths, nodeHours: hours * group.members.length }
}

async function stallMembers(group: Group, untilMs: number): Promise<void> {
  for (let turn = 0; performance.now() < untilMs; turn++) {
    const member = group.members[turn % group.members.length]
    const ms = stallsMs[turn % stallsMs.length] ?? 0
    if (member === undefined) return
    if (turn % 2 === 0 && member.block !== undefined) {
      member.block(ms)
      await delay(ms)
    } else await stop(member.pid, ms)
    await delay(breathMs)
  }
}

async function stallObservers({ observerPids }: Group, untilMs: number): Promise<void> {
  for (let turn = 0; observerPids.length > 0 && performance.now() < untilMs; turn++) {
    await delay(observerBreathMs)
    const pid = observerPids[turn % observerPids.length]
    if (pid !== undefined) await stop(pid, observerStallMs)
  }
}

async function stop(pid: number, ms: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  try {
    await delay(ms)
  } finally {
    process.kill(pid, 'SIGCONT')
  }
}
