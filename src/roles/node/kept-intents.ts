/** An intent that a relay keeps for late joiners. */
export interface KeptIntent {
  readonly key: string
  readonly target: string
  readonly epoch: number
  /** On this process's monotonic clock, as `endsMs`. */
  readonly writtenMs: number
  readonly endsMs: number
}

/**
 * Returns the keys of the intents that ended before `endedBeforeMs` and that no late joiner needs: an intent is needed
 * while another one, which lost to it and to none above it, has not ended before that time too.
 */
export function forgettable(intents: Iterable<KeptIntent>, endedBeforeMs: number): string[] {
  const byTarget = new Map<string, KeptIntent[]>()
  for (const intent of intents) {
    const ofTarget = byTarget.get(intent.target)
    if (ofTarget === undefined) byTarget.set(intent.target, [intent])
    else ofTarget.push(intent)
  }
  const keys: string[] = []
  for (const ofTarget of byTarget.values()) {
    const [ended, living] = [[] as KeptIntent[], [] as KeptIntent[]]
    for (const intent of ofTarget) (intent.endsMs < endedBeforeMs ? ended : living).push(intent)
    for (const intent of ended) {
      const above = ofTarget.filter((other) => isAbove(other, intent))
      const isNeeded = living.some((loser) => beats(intent, loser) && !above.some((other) => beats(other, loser)))
      if (!isNeeded) keys.push(intent.key)
    }
  }
  return keys
}

/** Whether a reader that knows both may let `loser` lose: an intent that was written after the other one ended does not. */
function beats(winner: KeptIntent, loser: KeptIntent): boolean {
  return winner !== loser && winner.epoch >= loser.epoch && loser.writtenMs <= winner.endsMs
}

function isAbove(one: KeptIntent, other: KeptIntent): boolean {
  return one.epoch > other.epoch || (one.epoch === other.epoch && one.writtenMs > other.writtenMs)
}
