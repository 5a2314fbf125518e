import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { forkChild } from '../children.js'

/** What a program of a group says to the bench. */
export type Word =
  | { readonly say: 'ready' }
  | { readonly say: 'alive'; readonly name: string }
  | { readonly say: 'dead'; readonly name: string; readonly atNs: bigint }

export interface BlockOrder {
  readonly blockMs: number
}

/** Starts the compiled file beside this one; resolves when it says that it is ready. */
export async function startProgram(
  file: string,
  args: readonly string[],
  onWord: (word: Word) => void = () => {},
): Promise<ChildProcess> {
  const child = forkChild(new URL(file, import.meta.url), args, { serialization: 'advanced' })
  const ready = new Promise<void>((resolve) => {
    child.on('message', (word: Word) => {
      if (word.say === 'ready') resolve()
      else onWord(word)
    })
  })
  const ended = once(child, 'exit').then(([code]) => code)
  const early = await Promise.race([ready, ended])
  if (early !== undefined) throw new Error(`${file} ${args.join(' ')} ended at once (${early})`)
  return child
}

export function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('a process could not be started')
  return child.pid
}

/** The program's side. It ends with the bench. */
export function say(word: Word): void {
  if (process.connected) process.send?.(word)
}

export function obeyBench(): void {
  process.on('disconnect', () => process.exit(0))
  process.on('message', ({ blockMs }: BlockOrder) => {
    setTimeout(() => {
      const untilMs = performance.now() + blockMs
      while (performance.now() < untilMs);
    }, 0)
  })
}
