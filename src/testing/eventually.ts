import { setTimeout as delay } from 'node:timers/promises'

/** Longer than anything that is under way takes on a machine that is short of everything. */
const patienceMs = 120_000

/**
 * What `probe` answers once it answers something; asks again and again, and fails saying what never came. A probe that
 * never comes back fails too.
 */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined> | T | undefined,
  everyMs = 50,
): Promise<T> {
  const givenUpMs = performance.now() + patienceMs
  for (;;) {
    const answering = probe()
    const answer = answering instanceof Promise ? await answerOf(what, answering) : answering
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() > givenUpMs) throw new Error(`waited ${patienceMs / 1_000} s in vain: ${what}`)
    await delay(everyMs)
  }
}

/** Waits in real time for something inside this process, which is cheap to look at. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  await eventually(what, () => (condition() ? true : undefined), 1)
}

async function answerOf<T>(what: string, answering: Promise<T>): Promise<T> {
  const stop = new AbortController()
  const tooLate = delay(patienceMs, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`asked for ${patienceMs / 1_000} s and got neither yes nor no: ${what}`)
  })
  try {
    return await Promise.race([answering, tooLate])
  } finally {
    tooLate.catch(() => {})
    stop.abort()
  }
}
