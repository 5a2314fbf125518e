import { invalidArgument } from '../../core/errors.js'
import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import { checkDecision } from './check-decision.js'
import { mergeWanted } from './merge-wanted.js'
import type { Policy, WantedIntent } from './policy.js'

/** What several policies together want of one kind for one target. */
export interface JointWant {
  readonly intent: WantedIntent
  /** The policies that want it. */
  readonly policies: readonly string[]
  /** Whether one of them decided so now. Otherwise all of them are undecided: it is neither renewed nor lifted. */
  readonly isDecided: boolean
}

export interface PolicyFailure {
  readonly policy: string
  readonly error: unknown
}

export interface PolicyRound {
  readonly wanted: readonly JointWant[]
  readonly failures: readonly PolicyFailure[]
}

/** What one policy wants, and when it last decided so. */
interface Want {
  readonly policy: string
  readonly intent: WantedIntent
  readonly decidedMs: number
}

interface RunningPolicy {
  readonly policy: Policy
  state: unknown
  wants: readonly Want[]
}

/**
 * Runs policies over one snapshot after the other and joins what they want. Its state is that of the policies, and what
 * they wanted last: a want of a policy that is undecided about its target, or that failed, stays for its time to live.
 */
export class PolicyRunner {
  readonly #running: readonly RunningPolicy[]

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT if two policies have one name */
  constructor(policies: readonly Policy[]) {
    checkNames(policies)
    this.#running = policies.map((policy) => ({ policy, state: policy.initial, wants: [] }))
  }

  run(snapshot: PlacementSnapshot, nowMs: number): PolicyRound {
    const failures: PolicyFailure[] = []
    for (const running of this.#running) {
      try {
        decide(running, snapshot, nowMs)
      } catch (error) {
        // A policy that throws stops no other. What it wanted stays, and ends by itself.
        failures.push({ policy: running.policy.name, error })
        running.wants = running.wants.filter((want) => isAlive(want, nowMs))
      }
    }
    return {
      wanted: join(
        this.#running.flatMap(({ wants }) => wants),
        nowMs,
      ),
      failures,
    }
  }
}

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT if two policies have one name */
export function checkNames(policies: readonly Policy[]): void {
  const names = new Set<string>()
  for (const { name } of policies) {
    if (names.has(name)) throw invalidArgument(`two policies are named ${name}: each needs a name of its own`)
    names.add(name)
  }
}

function decide(running: RunningPolicy, snapshot: PlacementSnapshot, nowMs: number): void {
  const { name } = running.policy
  const decision = checkDecision(name, running.policy.decide(snapshot, running.state, nowMs))
  const undecided = new Set(decision.undecided)
  const wants = decision.wanted.map((intent) => ({ policy: name, intent, decidedMs: nowMs }))
  const decided = new Set(wants.map(keyOf))
  const kept = running.wants.filter(
    (want) => undecided.has(want.intent.target) && !decided.has(keyOf(want)) && isAlive(want, nowMs),
  )
  running.state = decision.state
  running.wants = [...wants, ...kept]
}

function join(wants: readonly Want[], nowMs: number): JointWant[] {
  const byKey = new Map<string, Want[]>()
  for (const want of wants) {
    const key = keyOf(want)
    const others = byKey.get(key)
    if (others === undefined) byKey.set(key, [want])
    else others.push(want)
  }
  return [...byKey.values()].flatMap((joined) => {
    // A want that is undecided has the rest of its time only.
    const intents = joined.map(({ intent, decidedMs }) => ({ ...intent, ttlMs: intent.ttlMs - (nowMs - decidedMs) }))
    const policies = [...new Set(joined.map(({ policy }) => policy))]
    const isDecided = joined.some(({ decidedMs }) => decidedMs === nowMs)
    return mergeWanted(intents).map((intent) => ({ intent, policies, isDecided }))
  })
}

function isAlive({ intent, decidedMs }: Want, nowMs: number): boolean {
  return nowMs - decidedMs < intent.ttlMs
}

function keyOf({ intent: { kind, target } }: Want): string {
  return `${kind} ${target}`
}
