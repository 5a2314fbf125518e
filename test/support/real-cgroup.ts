import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { readHeadroom } from '../../src/topology/cgroup/headroom.js'

/** Creates a cgroup in the hierarchy that carries `controller` ("": the unified one), or returns why that cannot be done. */
export function createGroup(t: Test, controller: string, name: string, version: 1 | 2 = 1): string | Error {
  const place = readHeadroom().places.find((one) => one.controller === controller && one.version === version)
  if (place === undefined) return new Error(`no v${version} hierarchy carries ${controller}`)
  // Below the mount, not below ourselves: our own cgroup may be limited, or may not admit children.
  const directory = path.join(place.mountPoint, `numacast-test-${process.pid}-${name}`)
  try {
    mkdirSync(directory)
  } catch (error) {
    return error as Error
  }
  t.teardown(() => removeGroup(directory))
  return directory
}

/** A cgroup can be removed once its last process is really gone. */
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
