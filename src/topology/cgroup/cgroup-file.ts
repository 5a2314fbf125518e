import path from 'node:path'
import { readHeadroom } from './headroom.js'

/** A file of a cgroup v2: of the one at `directory`, or of this process's own; `null` when it is in none. */
export function cgroupFile(name: string, directory?: string): string | null {
  if (directory !== undefined) return path.join(path.resolve(directory), name)
  const place = readHeadroom().places.find(({ version }) => version === 2)
  return place === undefined ? null : path.join(place.directory, name)
}
