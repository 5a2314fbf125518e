import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ControlGroup } from './control-groups.js'

/** A process under measurement. It enters its group before it executes the program. */
export class Subject {
  readonly child: ChildProcess
  readonly pid: number
  readonly #closed: Promise<unknown>
  #output = ''
  #arrived: (() => void) | undefined

  constructor(group: ControlGroup | null, command: string, ...args: readonly string[]) {
    const enter = 'for file in $groups; do echo $$ >"$file" || exit 70; done; exec "$@"'
    this.child = spawn('sh', ['-c', enter, 'sh', command, ...args], {
      env: { ...process.env, groups: group?.procsFiles.join(' ') ?? '' },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    if (this.child.pid === undefined) throw new Error(`${command} could not be started`)
    this.pid = this.child.pid
    this.#closed = once(this.child, 'close')
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
      this.#arrived?.()
    })
    this.child.once('close', () => this.#arrived?.())
    // A killed subject accepts no more input.
    this.child.stdin?.on('error', () => undefined)
  }

  /** Starts a program of this folder. */
  static program(group: ControlGroup | null, name: string, ...args: readonly string[]): Subject {
    return new Subject(group, 'node', fileURLToPath(new URL(name, import.meta.url)), ...args)
  }

  /** Starts an idle process that the OOM killer chooses last. */
  static idle(group: ControlGroup | null): Subject {
    return new Subject(group, 'sh', '-c', 'echo -1000 >/proc/self/oom_score_adj; echo ready; exec sleep 1000')
  }

  get output(): string {
    return this.#output
  }

  /** Waits until it has printed a line. */
  async prints(line: string): Promise<void> {
    while (!this.#output.split('\n').includes(line)) {
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(
          `ended (${this.child.signalCode ?? this.child.exitCode}) before it printed "${line}": ${this.#output}`,
        )
      }
      await new Promise<void>((resolve) => {
        this.#arrived = resolve
      })
    }
  }

  tell(line: string): void {
    this.child.stdin?.write(`${line}\n`)
  }

  /** Waits for its end. Returns the signal or the exit code. */
  async ended(): Promise<string> {
    await this.#closed
    return this.child.signalCode ?? `exit code ${this.child.exitCode}`
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.#closed
  }
}
