import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { childrenOf } from '../../src/testing/processes/child-processes.js'

export interface NamespaceOptions {
  readonly net: true
  /** Also gives it its own mounts, host name and process ids. @default false */
  readonly host?: boolean
  /** Shell commands to run in it first. */
  readonly setup?: string
}

/**
 * Linux namespaces without a name, held by a sleeping process. They end with it, and it ends with the test process,
 * because the kernel kills it when its parent has died (PR_SET_PDEATHSIG).
 */
export class Namespace {
  /** The pid of a process in it, as seen by the test. */
  readonly pid: number
  readonly #keeper: ChildProcess
  readonly #enter: readonly string[]

  private constructor(keeper: ChildProcess, pid: number, isHost: boolean) {
    this.#keeper = keeper
    this.pid = pid
    this.#enter = ['--target', String(pid), '--net', ...(isHost ? ['--mount', '--uts', '--pid'] : []), '--']
  }

  static async open({ host = false, setup = '' }: NamespaceOptions): Promise<Namespace> {
    const kinds = host ? ['--mount', '--uts', '--pid', '--fork', '--kill-child'] : []
    const script = `set -e\n${setup}\necho ready\nexec sleep infinity`
    const keeper = spawn('setpriv', ['--pdeathsig', 'KILL', 'unshare', '--net', ...kinds, 'sh', '-c', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = await Promise.race([once(createInterface({ input: keeper.stdout }), 'line'), once(keeper, 'exit')])
    if (line !== 'ready' || keeper.pid === undefined) throw new Error(`the namespace could not be set up (${line})`)
    const [inner] = host ? childrenOf(keeper.pid) : [keeper.pid]
    if (inner === undefined) throw new Error('the process that holds the namespace is gone')
    return new Namespace(keeper, inner, host)
  }

  /** The command prefix that runs a command inside. */
  get prefix(): readonly [string, ...string[]] {
    return ['nsenter', ...this.#enter]
  }

  /** Runs shell commands inside. Rejects with their stderr if one fails. */
  async exec(script: string): Promise<string> {
    const { stdout } = await promisify(execFile)('nsenter', [...this.#enter, 'sh', '-ec', script])
    return stdout
  }

  execSync(script: string, input = ''): string {
    return execFileSync('nsenter', [...this.#enter, 'sh', '-ec', script], { input, encoding: 'utf8' })
  }

  /** Kills every process inside. */
  async close(): Promise<void> {
    if (this.#keeper.exitCode !== null || this.#keeper.signalCode !== null) return
    const exited = once(this.#keeper, 'exit')
    this.#keeper.kill('SIGKILL')
    await exited
  }
}
