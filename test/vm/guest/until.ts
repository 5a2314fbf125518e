import { setTimeout as sleep } from 'node:timers/promises'

/** Long, because an emulated CPU on a busy host is very slow. Only a condition that never holds reaches it. */
const patienceMs = 120_000

/** Calls `look` until it returns true, at least once. @throws Error with `what` after the timeout */
export async function until(what: string, look: () => boolean): Promise<void> {
  const givenUpMs = performance.now() + patienceMs
  while (!look()) {
    if (performance.now() > givenUpMs) throw new Error(`timed out after ${patienceMs / 1_000} s: ${what}`)
    await sleep(50)
  }
}
