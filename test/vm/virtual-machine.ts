import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { type Machine, machineOptions } from './machine.js'
import type { Report } from './protocol.js'

export interface BootOptions {
  readonly qemu: string
  readonly kernel: string
  readonly initramfs: string
  readonly machine: Machine
  /** The measurements to take. */
  readonly names: readonly string[]
  /** The folder for its console output. */
  readonly directory: string
  /** Maximum time between reports of the guest. Emulation is slow, and slower on a loaded host. */
  readonly silenceMs: number
  /** Maximum time until its first report. */
  readonly bootMs: number
}

/** A running guest. Iterate over its reports. Leaving the loop ends the machine. */
export class VirtualMachine implements AsyncIterable<Report> {
  readonly #qemu: ChildProcess
  readonly #silenceMs: number
  readonly #bootMs: number
  readonly #consoleFile: string
  readonly #kill = (): void => this.kill()
  #diagnostics = ''
  #hasReported = false

  constructor({ qemu, kernel, initramfs, machine, names, directory, silenceMs, bootMs }: BootOptions) {
    this.#silenceMs = silenceMs
    this.#bootMs = bootMs
    this.#consoleFile = path.join(directory, `console-${machine.layout}.txt`)
    const guestOptions = `layout=${machine.layout} measurements=${names.join(',').replaceAll(' ', '-')}`
    // biome-ignore format: one option per line
    this.#qemu = spawn(qemu, [
      '-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none',
      '-accel', 'tcg,thread=multi',
      '-cpu', 'max',
      ...machineOptions(machine),
      '-kernel', kernel,
      '-initrd', initramfs,
      // panic=-1: a guest that fails ends at once. mitigations=off: emulating them takes time without a benefit.
      '-append', `console=ttyS0 quiet panic=-1 mitigations=off ${guestOptions}`,
      '-chardev', `file,id=console,path=${this.#consoleFile}`, '-serial', 'chardev:console',
      '-chardev', 'stdio,id=reports,signal=off', '-serial', 'chardev:reports',
    ], { stdio: ['pipe', 'pipe', 'pipe'] })
    process.once('exit', this.#kill)
    this.#qemu.once('close', () => process.off('exit', this.#kill))
    this.#qemu.once('error', (error) => {
      this.#diagnostics += error.message
    })
    // An ended machine accepts no more input.
    this.#qemu.stdin?.on('error', () => undefined)
    this.#qemu.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#diagnostics += text
    })
  }

  /** Whether it has sent a report. A machine without a report has not booted, and has tested nothing. */
  get hasReported(): boolean {
    return this.#hasReported
  }

  /** The last lines of QEMU and of the guest console, for the analysis of a failure. */
  diagnosis(): string {
    let console = ''
    try {
      console = readFileSync(this.#consoleFile, 'utf8')
    } catch {
      // QEMU ended before it opened the file.
    }
    return [...this.#diagnostics.split('\n'), ...console.split(/\r?\n/).slice(-40)]
      .filter((line) => line !== '')
      .join('\n')
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Report> {
    const { stdout } = this.#qemu
    if (stdout === null) return
    const endOf = (ms: number): NodeJS.Timeout =>
      setTimeout(() => {
        this.#diagnostics += `no report from the guest within ${ms / 1000} s\n`
        this.kill()
      }, ms)
    let silence = endOf(this.#bootMs)
    try {
      for await (const line of createInterface({ input: stdout })) {
        clearTimeout(silence)
        silence = endOf(this.#silenceMs)
        if (!line.startsWith('{')) continue
        const report: Report = JSON.parse(line)
        this.#hasReported = true
        yield report
        if (report.name === 'end') return
      }
    } finally {
      clearTimeout(silence)
      this.kill()
    }
  }

  /** Ends the machine at once. Idempotent. */
  kill(): void {
    this.#qemu.kill('SIGKILL')
  }
}
