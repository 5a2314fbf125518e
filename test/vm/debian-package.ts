import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/** Where unpacked packages stay between runs; delete it to get newer ones. */
const cache = path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'numacast-vm')

/**
 * The directory that holds a Debian package's unpacked files: from the cache, else downloaded by apt (which checks
 * signatures and hashes) without being installed.
 *
 * @param choose the package's exact name, asked for only when there is nothing in the cache
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
  // Asks now, so that missing lists are noticed here and fetched.
  run('apt-cache', ['show', name])
  return name
}

/** A fresh container image has no package lists; root can fetch them. */
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
