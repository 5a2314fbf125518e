import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/** The folder that keeps unpacked packages between runs. Delete it to get newer packages. */
const cache = path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'numacast-vm')

/**
 * Returns the directory with the unpacked files of a Debian package. They come from the cache, or else from apt, which
 * checks signatures and hashes. The package is not installed.
 *
 * @param choose returns the exact name of the package; called only if the cache is empty
 * @throws Error when apt cannot get it
 */
export function debianPackage(cacheName: string, choose: () => string): string {
  const directory = path.join(cache, cacheName)
  if (existsSync(directory)) return directory
  mkdirSync(cache, { recursive: true })
  const unfinished = mkdtempSync(path.join(cache, '.unfinished-'))
  try {
    const name = withPackageLists(choose)
    run('apt-get', ['download', '-qq', name], unfinished)
    const file = readdirSync(unfinished).find((entry) => entry.endsWith('.deb'))
    if (file === undefined) throw new Error(`apt-get download ${name} left no .deb behind`)
    run('dpkg-deb', ['-x', file, 'files'], unfinished)
    renameSync(path.join(unfinished, 'files'), directory)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
  return directory
}

/** The newest kernel that Debian builds for virtual machines. */
export function cloudKernelPackage(): string {
  const meta = 'linux-image-cloud-amd64'
  const depends = run('apt-cache', ['depends', '--important', meta])
  const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1]
  if (name === undefined) throw new Error(`apt knows no ${meta}: this needs Debian's package lists`)
  // Queries now, so that missing package lists are detected here and fetched.
  run('apt-cache', ['show', name])
  return name
}

/** Fetches the package lists as root: a fresh container image has none. */
function withPackageLists<T>(ask: () => T): T {
  try {
    return ask()
  } catch (error) {
    if (process.getuid?.() !== 0) throw error
    run('apt-get', ['update', '-qq'])
    return ask()
  }
}

function run(command: string, args: readonly string[], cwd?: string): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 300_000 })
}
