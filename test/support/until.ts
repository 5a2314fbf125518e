import { setTimeout as sleep } from 'node:timers/promises'

/** Waits in real time for an event, generously: a test that gets here late still passes. */
export async function until(what: string, condition: () => boolean, giveUpAfterMs = 60_000): Promise<void> {
  const untilMs = performance.now() + giveUpAfterMs
  while (!condition()) {
    if (performance.now() > untilMs) throw new Error(`did not happen within ${giveUpAfterMs} ms: ${what}`)
    await sleep(1)
  }
}
