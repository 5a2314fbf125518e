/** Uniform in [0, 1). Injected wherever chance decides, so that a test can seed it. */
export type Random = () => number

/** Mulberry32 (T. Ettinger, 2017): 32 bits of state are enough for jitter and fault injection; never for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
