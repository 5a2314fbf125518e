import { lstatSync, mkdirSync, readdirSync, statSync, unlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { errorCode, mustBeSystemError } from '../../core/error-code.js'

/** The socket of a younger file may not listen yet. */
const graceMs = 60_000

/**
 * Returns a folder that only this user can enter, for sockets if the abstract namespace is refused: `numacast` in
 * `$XDG_RUNTIME_DIR`, or `numacast-<uid>` in the folder for temporary files. Undefined if neither can be used.
 */
export function runtimeFolder(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  const uid = process.getuid?.()
  if (uid === undefined) return undefined
  const { XDG_RUNTIME_DIR: runtime } = environment
  const candidates = [path.join(tmpdir(), `numacast-${uid}`)]
  if (runtime !== undefined && path.isAbsolute(runtime)) candidates.unshift(path.join(runtime, 'numacast'))
  return candidates.find((folder) => isPrivate(folder, uid))
}

/** Another user may already have created a folder or a link of that name. */
function isPrivate(folder: string, uid: number): boolean {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    if (errorCode(error) !== 'eexist') return false
  }
  try {
    const facts = lstatSync(folder)
    return facts.isDirectory() && facts.uid === uid && (facts.mode & 0o077) === 0
  } catch (error) {
    mustBeSystemError(error)
    return false
  }
}

/** Removes the sockets of processes that were killed: they refuse connections. */
export async function removeStaleSockets(folder: string, nowMs: number = Date.now()): Promise<void> {
  let names: readonly string[]
  try {
    names = readdirSync(folder).filter((name) => /^numacast-.*\.sock$/.test(name))
  } catch (error) {
    mustBeSystemError(error)
    return
  }
  await Promise.all(
    names.map(async (name) => {
      const file = path.join(folder, name)
      try {
        if (nowMs - statSync(file).mtimeMs > graceMs && (await isRefused(file))) unlinkSync(file)
      } catch (error) {
        // Another participant has already removed it.
        mustBeSystemError(error)
      }
    }),
  )
}

function isRefused(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(file)
    probe.on('connect', () => {
      probe.destroy()
      resolve(false)
    })
    probe.on('error', (error) => resolve(errorCode(error) === 'econnrefused'))
  })
}
