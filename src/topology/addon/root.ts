import { statSync } from 'node:fs'
import path from 'node:path'
import { mustBeSystemError } from '../../core/error-code.js'
import { invalidArgument } from '../../core/errors.js'

/** The absolute path of the directory that stands for `/`. */
export function resolveRoot(root: string | undefined): string {
  if (root === undefined) return '/'
  // path.resolve would take an empty name for the current directory.
  if (typeof root !== 'string' || root === '') {
    throw invalidArgument(`root must be the name of a directory, not ${JSON.stringify(root)}`)
  }
  const absolute = path.resolve(root)
  if (!isDirectory(absolute)) {
    throw invalidArgument(
      `root ${absolute} is not a directory: pass the folder that holds the captured sys/ and proc/`,
      { root: absolute },
    )
  }
  return absolute
}

/** False as well where it cannot be found out: behind a loop of links, or a directory that is closed to us. */
function isDirectory(name: string): boolean {
  try {
    return statSync(name).isDirectory()
  } catch (error) {
    mustBeSystemError(error)
    return false
  }
}
