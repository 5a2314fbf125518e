import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

/** One role of an example in its own process, and the lines that it has printed. Killed when the test ends. */
export class ExampleRole {
  readonly process: ChildProcess
  readonly ended: Promise<unknown>
  #output = ''
  readonly #onOutput = new Set<() => void>()
  readonly #awaited = new Set<RegExp>()

  constructor(t: Test, example: string, domain: number, name: string, ...args: string[]) {
    const file = fileURLToPath(new URL(`../../examples/${example}/${name}.js`, import.meta.url))
    this.process = spawn(process.execPath, [file, ...args], {
      env: { ...process.env, NUMACAST_DOMAIN: String(domain) },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.ended = once(this.process, 'exit')
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
      for (const look of [...this.#onOutput]) look()
    })
    t.teardown(() => {
      for (const pattern of this.#awaited) t.comment(`${name} never printed ${pattern}; it printed:\n${this.#output}`)
      this.process.kill('SIGKILL')
    })
  }

  get lines(): string[] {
    return this.#output.split('\n').filter((line) => line !== '')
  }

  /** Discards the output so far. */
  clear(): void {
    this.#output = ''
  }

  /** Resolves once the output matches. Rejects if the process ends before. */
  async printed(pattern: RegExp): Promise<void> {
    if (pattern.test(this.#output)) return
    this.#awaited.add(pattern)
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (!pattern.test(this.#output)) return
        this.#onOutput.delete(look)
        this.#awaited.delete(pattern)
        resolve()
      }
      this.#onOutput.add(look)
      void this.ended.then(() => reject(new Error(`it ended without printing ${pattern}:\n${this.#output}`)))
    })
  }

  /** Sends Enter to its stdin. */
  enter(): void {
    this.process.stdin?.write('\n')
  }

  /** Sends SIGTERM. Returns the exit code. */
  async stop(): Promise<number | null> {
    this.process.kill('SIGTERM')
    await this.ended
    return this.process.exitCode
  }
}
