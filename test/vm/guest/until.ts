import { setTimeout as sleep } from 'node:timers/promises'

/** An emulated CPU on a busy host is slow beyond measure: this is for what never comes. */
const patienceMs = 120_000

/** Looks again and again; calls `look` at least once. @throws Error that says what never came */
export async function until(what: string, look: () => boolean): Promise<void> {
  const givenUpMs = performance.now() + patienceMs
  while (!look()) {
    if (performance.now() > givenUpMs) throw new Error(`timed out after ${patienceMs / 1_000} s: ${what}`)
    await sleep(50)
  }
}
