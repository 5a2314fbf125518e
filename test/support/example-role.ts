import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

/** One role of an example in a process of its own, and the lines that it has printed. Gone when the test is. */
export class ExampleRole {
  readonly process: ChildProcess
  readonly ended: Promise<unknown>
  #output = ''
  readonly #heard = new Set<() => void>()
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
      for (const look of [...this.#heard]) look()
    })
    t.teardown(() => {
      for (const pattern of this.#awaited) t.comment(`${name} never said ${pattern}; it said:\n${this.#output}`)
      this.process.kill('SIGKILL')
    })
  }

  get lines(): string[] {
    return this.#output.split('\n').filter((line) => line !== '')
  }

  /** Forgets what it has said. */
  clear(): void {
    this.#output = ''
  }

  /** Rejects when it ends without having said it. */
  async said(pattern: RegExp): Promise<void> {
    if (pattern.test(this.#output)) return
    this.#awaited.add(pattern)
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (!pattern.test(this.#output)) return
        this.#heard.delete(look)
        this.#awaited.delete(pattern)
        resolve()
      }
      this.#heard.add(look)
      void this.ended.then(() => reject(new Error(`it ended without saying ${pattern}:\n${this.#output}`)))
    })
  }

  /** Types Enter at its terminal. */
  enter(): void {
    this.process.stdin?.write('\n')
  }

  /** Its exit code after a SIGTERM. */
  async stop(): Promise<number | null> {
    this.process.kill('SIGTERM')
    await this.ended
    return this.process.exitCode
  }
}
