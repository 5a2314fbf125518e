import { pbkdf2Sync } from 'node:crypto'
import { readFile } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Where in a turn of the event loop a program hogs it, or with what. */
export const Phase = {
  timer: 'timer',
  io: 'io',
  immediate: 'immediate',
  /** Never leaves the microtask queue: one turn of the loop that does not end. */
  microtasks: 'microtasks',
  /** Synchronous crypto: busy in C, without a chance for anything of ours to run. */
  crypto: 'crypto',
  /** Waits synchronously, as `execSync` or a synchronous lock does: blocked, and no CPU is used. */
  wait: 'wait',
} as const
export type Phase = (typeof Phase)[keyof typeof Phase]

/** Takes this process's event loop away for `ms`, in the given phase; resolves with how long it took. */
export function block(phase: Phase, ms: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const hog = (occupy: (untilMs: number) => void): void => {
      const start = performance.now()
      occupy(start + ms)
      resolve(performance.now() - start)
    }
    switch (phase) {
      case Phase.timer:
        setTimeout(() => hog(spin), 1)
        break
      case Phase.io:
        readFile(fileURLToPath(import.meta.url), () => hog(spin))
        break
      case Phase.immediate:
        setImmediate(() => hog(spin))
        break
      case Phase.microtasks: {
        const start = performance.now()
        flood(start + ms).then(() => resolve(performance.now() - start), reject)
        break
      }
      case Phase.crypto:
        setImmediate(() => hog(hash))
        break
      case Phase.wait:
        setImmediate(() => hog(sleep))
        break
    }
  })
}

function spin(untilMs: number): void {
  while (performance.now() < untilMs);
}

async function flood(untilMs: number): Promise<void> {
  while (performance.now() < untilMs) await undefined
}

function hash(untilMs: number): void {
  // Some hundred milliseconds each: nearly all of the time is spent inside one call.
  while (performance.now() < untilMs) pbkdf2Sync('numacast', 'salt', 300_000, 64, 'sha512')
}

function sleep(untilMs: number): void {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  Atomics.wait(cell, 0, 0, Math.max(0, untilMs - performance.now()))
}
