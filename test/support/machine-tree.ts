import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Test } from 'tap'

/** Files by absolute path as seen from inside the tree: text, a symbolic link, or an (unreadable as file) directory. */
export type TreeFiles = Readonly<Record<string, string | { readonly link: string } | { readonly directory: true }>>

/** Writes a machine's `/sys` and `/proc` into the directory of the test. Later parts overwrite earlier ones. */
export function plantTree(t: Test, ...parts: TreeFiles[]): string {
  const root = t.testdir({})
  writeTree(root, Object.assign({}, ...parts))
  return root
}

export function writeTree(root: string, files: TreeFiles): void {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(root, name)
    mkdirSync(path.dirname(file), { recursive: true })
    if (typeof content === 'string') writeFileSync(file, content)
    else if ('link' in content) symlinkSync(content.link, file)
    else mkdirSync(file, { recursive: true })
  }
}

export interface NodeSpec {
  readonly cpulist?: string
  readonly cpumap?: string
  readonly totalKb?: number
  readonly freeKb?: number
  readonly distance?: string
  /** Entries of `access<class>/initiators`. */
  readonly initiators?: Readonly<Record<0 | 1, readonly number[] | undefined>>
}

/** `/sys/devices/system/{node,cpu}`, laid out as Linux does. */
export function numaFiles(spec: {
  readonly nodes: Readonly<Record<number, NodeSpec>>
  readonly online?: string
  readonly cpuOnline?: string
  readonly base?: string
}): TreeFiles {
  const base = spec.base ?? '/sys/devices/system/node'
  const files: Record<string, string> = {}
  if (spec.online !== undefined) files['/sys/devices/system/node/online'] = `${spec.online}\n`
  if (spec.cpuOnline !== undefined) files['/sys/devices/system/cpu/online'] = `${spec.cpuOnline}\n`
  for (const [id, node] of Object.entries(spec.nodes)) {
    const at = `${base}/node${id}`
    const total = node.totalKb ?? 1024
    files[`${at}/meminfo`] = [
      `Node ${id} MemTotal:  ${String(total).padStart(12)} kB`,
      `Node ${id} MemFree:   ${String(node.freeKb ?? total / 2).padStart(12)} kB`,
      `Node ${id} Active(file):   ${String(8).padStart(8)} kB`,
      `Node ${id} Inactive(file): ${String(16).padStart(8)} kB`,
      `Node ${id} SReclaimable:   ${String(4).padStart(8)} kB`,
      '',
    ].join('\n')
    if (node.cpulist !== undefined) files[`${at}/cpulist`] = `${node.cpulist}\n`
    if (node.cpumap !== undefined) files[`${at}/cpumap`] = `${node.cpumap}\n`
    if (node.distance !== undefined) files[`${at}/distance`] = `${node.distance}\n`
    for (const [accessClass, ids] of Object.entries(node.initiators ?? {})) {
      for (const from of ids ?? []) files[`${at}/access${accessClass}/initiators/node${from}/uevent`] = ''
    }
  }
  return files
}

export const hostFiles = (totalKb = 16 * 1024 * 1024, availableKb = totalKb / 2): TreeFiles => ({
  '/proc/meminfo': `MemTotal: ${totalKb} kB\nMemFree: ${availableKb / 2} kB\nMemAvailable: ${availableKb} kB\nActive(file): 4096 kB\nInactive(file): 2048 kB\nSReclaimable: 1024 kB\n`,
})

/** Returns the files of the cgroups at the given paths below `mountPoint`. */
export function cgroupFiles(
  mountPoint: string,
  groups: Readonly<Record<string, Readonly<Record<string, string>>>>,
): TreeFiles {
  const files: Record<string, string> = {}
  for (const [group, content] of Object.entries(groups)) {
    for (const [name, text] of Object.entries(content)) files[path.posix.join(mountPoint, group, name)] = `${text}\n`
    files[path.posix.join(mountPoint, group, 'cgroup.procs')] ??= ''
  }
  return files
}

/** `/proc/self` of a process in `cgroup`, with these mounts: `root point type options`. */
export function selfFiles(cgroup: readonly string[], mounts: readonly string[]): TreeFiles {
  const lines = mounts.map((mount, index) => {
    const [root, point, type, options] = mount.split(' ')
    return `${30 + index} 20 0:${40 + index} ${root} ${point} rw,nosuid - ${type} ${type} rw${options === undefined ? '' : `,${options}`}`
  })
  return {
    '/proc/self/cgroup': `${cgroup.join('\n')}\n`,
    '/proc/self/mountinfo': ['20 1 8:1 / / rw - ext4 /dev/vda rw', ...lines, ''].join('\n'),
  }
}

/** A process in `leaf` of a cgroup v2 hierarchy at the usual mount point. */
export function v2Files(leaf: string, groups: Readonly<Record<string, Readonly<Record<string, string>>>>): TreeFiles {
  return {
    ...hostFiles(),
    ...selfFiles([`0::${leaf}`], ['/ /sys/fs/cgroup cgroup2']),
    '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory hugetlb pids\n',
    ...cgroupFiles('/sys/fs/cgroup', groups),
  }
}

/** A process in `leaf` of each of these v1 controllers, at their usual mount points. */
export function v1Files(
  leaf: string,
  controllers: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>>,
): TreeFiles {
  const names = Object.keys(controllers)
  return Object.assign(
    {},
    hostFiles(),
    selfFiles(
      names.map((name, index) => `${index + 1}:${name}:${leaf}`),
      names.map((name) => `/ /sys/fs/cgroup/${name} cgroup ${name}`),
    ),
    ...names.map((name) => ({ [`/sys/fs/cgroup/${name}/release_agent`]: '\n' })),
    ...names.map((name) => cgroupFiles(`/sys/fs/cgroup/${name}`, controllers[name] ?? {})),
  ) as TreeFiles
}
