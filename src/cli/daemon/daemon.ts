import { setTimeout as delay } from 'node:timers/promises'
import { NumacastError } from '../../core/errors.js'
import { printable } from '../../observe/printable.js'
import { longestDurationMs } from '../options/duration.js'
import { listenForStop } from './stop-signals.js'

/** What a daemon sends to the process that started it, over the IPC channel. */
export type DaemonMessage =
  | { readonly kind: 'ready' }
  /** It ends because another process has its place. Starting it again would not help. */
  | { readonly kind: 'displaced'; readonly reason: string }
  /** A notice for people, which may be the same for many processes. */
  | { readonly kind: 'notice'; readonly text: string }

export interface Daemon {
  close(): Promise<void>
  /** Its participant; `restored` aborts when its process was restored from a checkpoint, and the daemon then ends. */
  readonly participant?: { readonly restored: AbortSignal }
}

export interface DaemonPlan<D extends Daemon> {
  /** For people: `collector of NUMA node 0, domain 3`. */
  readonly title: string
  start(): Promise<D>
  /** What it does besides being there; ends soon after `stop` aborts. @default waits for `stop` */
  serve?(daemon: D, stop: AbortSignal): Promise<void>
}

/** Runs until asked to stop, then closes in order. What goes wrong is thrown, after closing. */
export async function runDaemon<D extends Daemon>(plan: DaemonPlan<D>): Promise<void> {
  const stop = listenForStop()
  try {
    const daemon = await plan.start()
    const { restored = new AbortController().signal } = daemon.participant ?? {}
    const over = AbortSignal.any([stop.signal, restored])
    try {
      announce(plan.title)
      await (plan.serve === undefined ? untilAborted(over) : plan.serve(daemon, over))
      restored.throwIfAborted()
    } finally {
      await daemon.close()
    }
  } catch (error) {
    if (error instanceof NumacastError && error.code === 'NUMACAST_CONFLICT') {
      await sendToParent({ kind: 'displaced', reason: error.message })
    }
    throw error
  } finally {
    stop.close()
  }
}

export async function untilAborted(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) await pause(longestDurationMs, signal)
}

/** A delay that an abort ends early, without an error. */
export async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(delayMs, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** Reports to the parent if there is an IPC channel, otherwise on stderr. */
function announce(title: string): void {
  if (process.send === undefined) process.stderr.write(`numacast: ${printable(title)} runs as pid ${process.pid}\n`)
  else void sendToParent({ kind: 'ready' })
}

/** Resolves when the message is on its way, or cannot be sent. */
export async function sendToParent(message: DaemonMessage): Promise<void> {
  const { send } = process
  if (send === undefined || !process.connected) return
  await new Promise<unknown>((resolve) => send.call(process, message, resolve))
}
