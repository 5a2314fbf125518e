import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { readHeadroom } from '../../src/topology/cgroup/headroom.js'

/** Creates a cgroup in the hierarchy of `controller` ("": the unified hierarchy), or returns why it cannot. */
export function createGroup(t: Test, controller: string, name: string, version: 1 | 2 = 1): string | Error {
  const place = readHeadroom().places.find((one) => one.controller === controller && one.version === version)
  if (place === undefined) return new Error(`no v${version} hierarchy carries ${controller}`)
  // Below the mount point, not below the cgroup of this process: that may be limited, or may not allow children.
  const directory = path.join(place.mountPoint, `numacast-test-${process.pid}-${name}`)
  try {
    mkdirSync(directory)
  } catch (error) {
    return error as Error
  }
  t.teardown(() => removeGroup(directory))
  return directory
}

/** Removes a cgroup once the kernel has released its last process. */
export async function removeGroup(directory: string): Promise<void> {
  for (;;) {
    try {
      rmdirSync(directory)
      return
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return
      if (code !== 'EBUSY') throw error
      await delay(20)
    }
  }
}

export const write = (directory: string, file: string, value: string | number) =>
  writeFileSync(path.join(directory, file), String(value))
