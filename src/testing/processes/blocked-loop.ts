import { pbkdf2Sync } from 'node:crypto'
import { readFile } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** In which phase of a turn of the event loop it is blocked, or by what. */
export const BlockedPhase = {
  timer: 'timer',
  io: 'io',
  immediate: 'immediate',
  /** Keeps the microtask queue full: the turn of the loop does not end. */
  microtasks: 'microtasks',
  /** Runs synchronous crypto: busy in native code, no JavaScript runs. */
  crypto: 'crypto',
  /** Waits synchronously, as `execSync` or a lock does: blocked without using CPU. */
  wait: 'wait',
} as const
export type BlockedPhase = (typeof BlockedPhase)[keyof typeof BlockedPhase]

/** Blocks this process's event loop for `ms` in the given phase. Resolves with how long it took, in milliseconds. */
export function blockLoop(phase: BlockedPhase, ms: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const blockUntil = (occupy: (untilMs: number) => void): void => {
      const start = performance.now()
      occupy(start + ms)
      resolve(performance.now() - start)
    }
    switch (phase) {
      case BlockedPhase.timer:
        setTimeout(() => blockUntil(spin), 1)
        break
      case BlockedPhase.io:
        readFile(fileURLToPath(import.meta.url), () => blockUntil(spin))
        break
      case BlockedPhase.immediate:
        setImmediate(() => blockUntil(spin))
        break
      case BlockedPhase.microtasks: {
        const start = performance.now()
        flood(start + ms).then(() => resolve(performance.now() - start), reject)
        break
      }
      case BlockedPhase.crypto:
        setImmediate(() => blockUntil(hash))
        break
      case BlockedPhase.wait:
        setImmediate(() => blockUntil(sleep))
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
  // Each call takes some hundred milliseconds: nearly all of the time is spent in native code.
  while (performance.now() < untilMs) pbkdf2Sync('numacast', 'salt', 300_000, 64, 'sha512')
}

function sleep(untilMs: number): void {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  Atomics.wait(cell, 0, 0, Math.max(0, untilMs - performance.now()))
}
