import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CgroupLayout } from '../machine.js'
import { run } from './shell.js'

type Controller = 'cpu' | 'cpuset' | 'memory'

const mountRoot = '/sys/fs/cgroup'

/** The control groups of the guest, mounted in one of the three layouts. */
export class ControlGroups {
  readonly layout: CgroupLayout
  /** Mount point of each controller; the same one may serve several. */
  readonly #mounts: Readonly<Record<Controller, string>>

  private constructor(layout: CgroupLayout, mounts: Readonly<Record<Controller, string>>) {
    this.layout = layout
    this.#mounts = mounts
  }

  static mount(layout: CgroupLayout): ControlGroups {
    if (layout === 'v2') {
      mountV2(mountRoot, ['cpu', 'cpuset', 'memory', 'pids'])
      return new ControlGroups(layout, { cpu: mountRoot, cpuset: mountRoot, memory: mountRoot })
    }
    run('mount', '-t', 'tmpfs', 'tmpfs', mountRoot)
    const memory = mountV1('memory')
    mountV1('pids')
    if (layout === 'v1')
      return new ControlGroups(layout, { cpu: mountV1('cpu,cpuacct'), cpuset: mountV1('cpuset'), memory })
    const unified = path.join(mountRoot, 'unified')
    mkdirSync(unified)
    mountV2(unified, ['cpu', 'cpuset'])
    return new ControlGroups(layout, { cpu: unified, cpuset: unified, memory })
  }

  /** Makes the group, with its parents, in every hierarchy. `name` is like `outer/leaf`. */
  group(name: string): ControlGroup {
    const steps = name.split('/')
    steps.forEach((_, index) => {
      for (const mount of new Set(Object.values(this.#mounts))) {
        const directory = path.join(mount, ...steps.slice(0, index + 1))
        if (!existsSync(directory)) mkdirSync(directory)
        if (this.#isV2(mount) && index < steps.length - 1) passOn(directory)
        if (!this.#isV2(mount) && mount === this.#mounts.cpuset) copyCpuset(directory)
      }
    })
    const at = (controller: Controller): string => path.join(this.#mounts[controller], name)
    return new ControlGroup(this, { cpu: at('cpu'), cpuset: at('cpuset'), memory: at('memory') })
  }

  isV2(controller: Controller): boolean {
    return this.#isV2(this.#mounts[controller])
  }

  #isV2(mount: string): boolean {
    return existsSync(path.join(mount, 'cgroup.controllers'))
  }
}

/** One group, in every hierarchy at once. */
export class ControlGroup {
  readonly directories: Readonly<Record<Controller, string>>
  readonly #groups: ControlGroups

  constructor(groups: ControlGroups, directories: Readonly<Record<Controller, string>>) {
    this.#groups = groups
    this.directories = directories
  }

  /** Files that take a pid to move a process here. */
  get procsFiles(): readonly string[] {
    return [...new Set(Object.values(this.directories))].map((directory) => path.join(directory, 'cgroup.procs'))
  }

  enter(pid: number): void {
    for (const file of this.procsFiles) writeFileSync(file, String(pid))
  }

  limitMemory(bytes: number | null): void {
    if (this.#groups.isV2('memory')) this.#write('memory', 'memory.max', bytes === null ? 'max' : String(bytes))
    else this.#write('memory', 'memory.limit_in_bytes', bytes === null ? '-1' : String(bytes))
  }

  limitCpu(cpus: number | null, periodUs = 100_000): void {
    const quotaUs = cpus === null ? null : Math.round(cpus * periodUs)
    if (this.#groups.isV2('cpu')) {
      this.#write('cpu', 'cpu.max', `${quotaUs ?? 'max'} ${periodUs}`)
    } else {
      this.#write('cpu', 'cpu.cfs_period_us', String(periodUs))
      this.#write('cpu', 'cpu.cfs_quota_us', String(quotaUs ?? -1))
    }
  }

  restrict({ cpus, mems }: { readonly cpus?: string; readonly mems?: string }): void {
    if (cpus !== undefined) this.#write('cpuset', 'cpuset.cpus', cpus)
    if (mems !== undefined) this.#write('cpuset', 'cpuset.mems', mems)
  }

  /** Removes the group. Its processes must have ended or moved, and the kernel may still be releasing them. */
  async remove(): Promise<void> {
    for (const directory of new Set(Object.values(this.directories))) {
      for (let attempt = 1; existsSync(directory); attempt++) {
        try {
          rmdirSync(directory)
        } catch (error) {
          if (attempt === 100) throw error
          await sleep(50)
        }
      }
    }
  }

  #write(controller: Controller, file: string, text: string): void {
    writeFileSync(path.join(this.directories[controller], file), text)
  }
}

function mountV1(controllers: string): string {
  const directory = path.join(mountRoot, controllers)
  mkdirSync(directory)
  run('mount', '-t', 'cgroup', '-o', controllers, 'cgroup', directory)
  return directory
}

function mountV2(directory: string, controllers: readonly string[]): void {
  run('mount', '-t', 'cgroup2', 'cgroup2', directory)
  for (const controller of controllers) writeFileSync(path.join(directory, 'cgroup.subtree_control'), `+${controller}`)
}

/** v2: enables every controller of a group for its children. */
function passOn(directory: string): void {
  const controllers = readFileSync(path.join(directory, 'cgroup.controllers'), 'utf8').trim().split(' ')
  for (const controller of controllers) {
    if (controller !== '') writeFileSync(path.join(directory, 'cgroup.subtree_control'), `+${controller}`)
  }
}

/** v1: a new group's sets are empty, and nothing can run there until they are filled. */
function copyCpuset(directory: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    const own = path.join(directory, file)
    if (readFileSync(own, 'utf8').trim() === '') {
      writeFileSync(own, readFileSync(path.join(path.dirname(directory), file), 'utf8').trim())
    }
  }
}
