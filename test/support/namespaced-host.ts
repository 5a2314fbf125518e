import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { eventually } from '../../src/testing/eventually.js'
import { childrenOf } from '../../src/testing/processes/child-processes.js'
import { Namespace } from './namespace.js'

/** One machine of a {@link HostNetwork}. */
export class NamespacedHost {
  readonly name: string
  readonly bootId: string
  readonly namespace: Namespace
  /** Its interfaces, and the ports of the switch that they are connected to. */
  readonly ports: { readonly port: string; readonly interfaceName: string; readonly address: string }[] = []

  private constructor(name: string, bootId: string, namespace: Namespace) {
    this.name = name
    this.bootId = bootId
    this.namespace = namespace
  }

  static async open(name: string): Promise<NamespacedHost> {
    const bootId = randomUUID()
    const setup = [
      'mount --make-rprivate /',
      `hostname ${name}`,
      'mount -t proc proc /proc',
      // /sys shows the interfaces of the namespace that mounted it. The cgroups are mounted into the new /sys.
      'mount -t tmpfs tmpfs /mnt && mkdir /mnt/cgroup && mount --rbind /sys/fs/cgroup /mnt/cgroup',
      'mount -t sysfs sysfs /sys && mount --rbind /mnt/cgroup /sys/fs/cgroup',
      `echo ${bootId} > /mnt/boot_id && mount --bind /mnt/boot_id /proc/sys/kernel/random/boot_id`,
      'ip link set lo up',
    ].join('\n')
    return new NamespacedHost(name, bootId, await Namespace.open({ net: true, host: true, setup }))
  }

  get address(): string {
    const [first] = this.ports
    if (first === undefined) throw new Error(`${this.name} has no interface`)
    return first.address
  }

  /** Runs a compiled test program there. The program and its children end with the host. */
  run(script: string, args: readonly string[] = [], environment: NodeJS.ProcessEnv = {}): HostProcess {
    const [program, ...prefix] = this.namespace.prefix
    const child = spawn(program, [...prefix, process.execPath, script, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...environment },
    })
    return new HostProcess(`${this.name}: ${script}`, child)
  }
}

/** A program on a host. Its output is read line by line. */
export class HostProcess {
  readonly lines: string[] = []
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  readonly #label: string
  readonly #child: ChildProcess
  #rest = ''
  #isOver = false

  constructor(label: string, child: ChildProcess) {
    this.#label = label
    this.#child = child
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      const parts = (this.#rest + chunk).split('\n')
      this.#rest = parts.pop() ?? ''
      this.lines.push(...parts)
    })
    this.ended = once(child, 'close').then(([code, signal]) => {
      this.#isOver = true
      return { code, signal }
    })
  }

  /** The pid of the program outside its namespace. */
  async pid(): Promise<number> {
    return eventually(`${this.#label} runs`, () => childrenOf(this.#child.pid ?? 0)[0], 5)
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    process.kill(await this.pid(), signal)
  }

  /** Writes a line to its stdin. */
  writeLine(line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }

  /** Resolves with the first line that matches, now or later. */
  line(pattern: RegExp): Promise<string> {
    return eventually(`${this.#label} prints ${pattern}`, () => {
      const found = this.lines.find((line) => pattern.test(line))
      if (found === undefined && this.#isOver) throw new Error(`${this.#label} ended without printing ${pattern}`)
      return found
    })
  }
}
