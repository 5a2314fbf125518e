import { statSync } from 'node:fs'
import path from 'node:path'
import { invalidArgument } from '../core/errors.js'

/** The absolute path of the directory that stands for `/`. */
export function resolveRoot(root: string | undefined): string {
  if (root === undefined) return '/'
  const absolute = path.resolve(root)
  const found = statSync(absolute, { throwIfNoEntry: false })
  if (found?.isDirectory() !== true) {
    throw invalidArgument(
      `root ${absolute} is not a directory: pass the folder that holds the captured sys/ and proc/`,
      {
        root: absolute,
      },
    )
  }
  return absolute
}
