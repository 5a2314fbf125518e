import { setTimeout as delay } from 'node:timers/promises'

const patienceMs = 60_000

/** What `probe` answers once it answers something; asks again and again, and fails saying what never came. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined> | T | undefined,
  everyMs = 50,
): Promise<T> {
  const givenUpMs = performance.now() + patienceMs
  for (;;) {
    const answer = await probe()
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() > givenUpMs) throw new Error(`waited ${patienceMs / 1_000} s in vain: ${what}`)
    await delay(everyMs)
  }
}

/** Waits in real time for something inside this process, which is cheap to look at. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  await eventually(what, () => (condition() ? true : undefined), 1)
}
