import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { readHeadroom } from '../../src/topology/cgroup/headroom.js'
import { MissingPeer } from '../peers/server-process.js'

/** A memory cgroup of its own, of version 1 or 2. The kernel kills in it when its limit is reached. */
export class MemoryGroup {
  readonly directory: string
  readonly #version: 1 | 2

  /** @throws MissingPeer when this process may not make one */
  static create(name: string): MemoryGroup {
    const reasons: string[] = []
    for (const { controller, version, mountPoint } of readHeadroom().places) {
      if (version === 1 ? controller !== 'memory' : controller !== '') continue
      const directory = path.join(mountPoint, `numacast-bench-${process.pid}-${name}`)
      try {
        mkdirSync(directory)
        if (existsSync(path.join(directory, version === 1 ? 'memory.limit_in_bytes' : 'memory.max'))) {
          return new MemoryGroup(directory, version)
        }
        rmdirSync(directory)
        reasons.push(`${mountPoint} gives its groups no memory controller`)
      } catch (error) {
        reasons.push(String(error))
      }
    }
    throw new MissingPeer(`a memory cgroup is not available here: ${reasons.join('; ') || 'none is mounted'}`)
  }

  private constructor(directory: string, version: 1 | 2) {
    this.directory = directory
    this.#version = version
  }

  /** A shell command that joins it. */
  get joining(): string {
    return `echo $$ > ${path.join(this.directory, 'cgroup.procs')}`
  }

  /** Memory that cannot be given back without swap: not the page cache. */
  anonymousBytes(): number {
    return this.#number('memory.stat', this.#version === 1 ? /^total_rss (\d+)/m : /^anon (\d+)/m)
  }

  limit(bytes: number): void {
    const page = Math.ceil(bytes / 4096) * 4096
    this.#write(this.#version === 1 ? 'memory.limit_in_bytes' : 'memory.max', page)
    if (existsSync(path.join(this.directory, 'memory.swap.max'))) this.#write('memory.swap.max', 0)
  }

  /** Processes that the kernel killed because the limit was reached. */
  oomKills(): number {
    return this.#number(this.#version === 1 ? 'memory.oom_control' : 'memory.events', /^oom_kill (\d+)/m)
  }

  /** Removes it once its processes have ended. */
  async remove(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        return rmdirSync(this.directory)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || attempt >= 500) throw error
        await delay(20)
      }
    }
  }

  #number(file: string, form: RegExp): number {
    const [, text] = form.exec(readFileSync(path.join(this.directory, file), 'utf8')) ?? []
    if (text === undefined) throw new Error(`${file} of ${this.directory} has no line ${form}`)
    return Number(text)
  }

  #write(file: string, value: number): void {
    writeFileSync(path.join(this.directory, file), String(value))
  }
}
