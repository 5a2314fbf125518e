import { spawnSync } from 'node:child_process'

/**
 * Returns the shared libraries that a program or library loads, the dynamic linker included, as `ldd` finds them.
 * `null` if it cannot be loaded here, because a library is missing or it was built for another C library.
 */
export function sharedLibraries(file: string): readonly string[] | null {
  const { status, stdout, error } = spawnSync('ldd', [file], { encoding: 'utf8' })
  if (error !== undefined) throw error
  if (status !== 0 || stdout.includes('not found')) return null
  return stdout.split('\n').flatMap((line) => /(\/\S+) \(0x/.exec(line)?.[1] ?? [])
}
