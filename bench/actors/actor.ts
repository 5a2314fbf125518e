import type { ChildProcess, ForkOptions } from 'node:child_process'
import { once } from 'node:events'
import { endChild, forkChild } from '../children.js'
import type { Call, Reply } from './act.js'

const startMs = 60_000
const graceMs = 2_000

type Waiting = { readonly resolve: (result: unknown) => void; readonly reject: (error: Error) => void }

/** A child process that answers calls. {@link act} is its side. */
export class Actor<C extends Record<keyof C, Call>> {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0

  private constructor(child: ChildProcess, name: string) {
    this.#child = child
    child.on('message', ({ id, result, error }: Reply) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(result)
      else waiting?.reject(new Error(`${name}: ${error}`))
    })
    child.once('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${name} ended early (${signal ?? code})`))
      this.#waiting.clear()
    })
  }

  /** Starts the compiled file beside this one. Resolves when it is ready for calls. */
  static async start<C extends Record<keyof C, Call>>(
    file: string,
    args: readonly string[],
    options: ForkOptions = {},
  ): Promise<Actor<C>> {
    const child = forkChild(new URL(file, import.meta.url), args, { ...options, serialization: 'advanced' })
    const actor = new Actor<C>(child, [file, ...args].join(' '))
    const ready = new AbortController()
    const ended = once(child, 'exit', { signal: ready.signal }).then(([code]) => {
      throw new Error(`${file} ${args.join(' ')} ended at once (${code})`)
    })
    try {
      await Promise.race([once(child, 'message', { signal: AbortSignal.timeout(startMs) }), ended])
    } catch (error) {
      await endChild(child)
      throw error
    } finally {
      ready.abort()
      ended.catch(() => undefined)
    }
    return actor
  }

  call<N extends keyof C & string>(name: N, argument: Parameters<C[N]>[0]): Promise<Awaited<ReturnType<C[N]>>> {
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject })
      this.#child.send({ id, name, argument })
    })
  }

  /** Ends the process and waits until it is gone. */
  async close(): Promise<void> {
    if (this.#child.connected) {
      const gone = once(this.#child, 'exit', { signal: AbortSignal.timeout(graceMs) }).catch(() => undefined)
      this.#child.disconnect()
      await gone
    }
    await endChild(this.#child)
  }
}
