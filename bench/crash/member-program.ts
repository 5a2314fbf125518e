import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { forkChild } from '../children.js'

/** Report of a group's program to the bench. */
export type MemberReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'alive'; readonly name: string }
  | { readonly kind: 'dead'; readonly name: string; readonly atNs: bigint }

export interface BlockOrder {
  readonly blockMs: number
}

/** Starts the compiled file beside this one. Resolves when it reports that it is ready. */
export async function startProgram(
  file: string,
  args: readonly string[],
  onReport: (report: MemberReport) => void = () => {},
): Promise<ChildProcess> {
  const child = forkChild(new URL(file, import.meta.url), args, { serialization: 'advanced' })
  const ready = new Promise<void>((resolve) => {
    child.on('message', (report: MemberReport) => {
      if (report.kind === 'ready') resolve()
      else onReport(report)
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

/** Sends a report to the bench, if it still runs. */
export function report(message: MemberReport): void {
  if (process.connected) process.send?.(message)
}

/** Ends this process with the bench, and blocks its loop when the bench asks for it. */
export function obeyBench(): void {
  process.on('disconnect', () => process.exit(0))
  process.on('message', ({ blockMs }: BlockOrder) => {
    setTimeout(() => {
      const untilMs = performance.now() + blockMs
      while (performance.now() < untilMs);
    }, 0)
  })
}
