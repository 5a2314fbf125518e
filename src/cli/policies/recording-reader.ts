import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { NumacastError } from '../../core/errors.js'
import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import { restoreSnapshot } from '../../views/snapshot/snapshot-record.js'

export interface RecordedSnapshot {
  readonly snapshot: PlacementSnapshot
  /** On the clock of the process that recorded it. */
  readonly nowMs: number
}

/**
 * Yields the snapshots of a recording.
 * @throws NumacastError NUMACAST_NOT_FOUND when there is no such file or it is empty; NUMACAST_MALFORMED naming the line
 *   that is no snapshot, or that was recorded before the one above it
 */
export async function* readRecording(file: string): AsyncGenerator<RecordedSnapshot> {
  const input = createReadStream(file, 'utf8')
  const failed = new Promise<never>((_, reject) => input.once('error', (error) => reject(readFailure(file, error))))
  failed.catch(() => undefined)
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
  const reading = lines[Symbol.asyncIterator]()
  let [count, beforeMs] = [0, Number.NEGATIVE_INFINITY]
  try {
    for (;;) {
      const next = await Promise.race([reading.next(), failed])
      if (next.done === true) break
      count++
      const recorded = restore(file, count, next.value)
      if (recorded.nowMs < beforeMs) {
        throw malformed(file, count, 'it was recorded before the line above it: a recording is of one process')
      }
      beforeMs = recorded.nowMs
      yield recorded
    }
    // A file that cannot be read ends the lines first.
    await Promise.race([failed, new Promise((resolve) => setImmediate(resolve))])
  } finally {
    lines.close()
    input.destroy()
  }
  if (count === 0) throw new NumacastError('NUMACAST_NOT_FOUND', `${file} is empty: it holds no snapshot`)
}

function restore(file: string, line: number, text: string): RecordedSnapshot {
  try {
    return restoreSnapshot(text)
  } catch (error) {
    throw malformed(file, line, error instanceof Error ? error.message : String(error), error)
  }
}

function malformed(file: string, line: number, what: string, cause?: unknown): NumacastError {
  return new NumacastError('NUMACAST_MALFORMED', `${file}, line ${line}: ${what}`, { cause })
}

function readFailure(file: string, error: NodeJS.ErrnoException): NumacastError {
  if (error.code === 'ENOENT') return new NumacastError('NUMACAST_NOT_FOUND', `there is no recording ${file}`)
  return new NumacastError('NUMACAST_UNAVAILABLE', `${file} cannot be read: ${error.message}`, { cause: error })
}
