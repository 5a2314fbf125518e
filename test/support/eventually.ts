import { setTimeout as delay } from 'node:timers/promises'

const patienceMs = 60_000

/** What `probe` answers once it answers something; asks again and again, and fails saying what never came. */
export async function eventually<T>(what: string, probe: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const givenUpMs = performance.now() + patienceMs
  for (;;) {
    const answer = await probe()
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() > givenUpMs) throw new Error(`waited ${patienceMs / 1_000} s in vain: ${what}`)
    await delay(50)
  }
}
