import { type FileHandle, open, stat } from 'node:fs/promises'
import { NumacastError } from '../../core/errors.js'

/** Writes lines to a new file, up to a number of bytes. What it has written is always whole lines. */
export class RecordingWriter {
  readonly #file: string
  readonly #handle: FileHandle
  readonly #maxBytes: number
  #bytes = 0
  #lines = 0

  /**
   * @throws NumacastError NUMACAST_CONFLICT when the file exists; NUMACAST_NOT_FOUND when its directory does not;
   *   NUMACAST_UNAVAILABLE when it cannot be created
   */
  static async open(file: string, maxBytes: number): Promise<RecordingWriter> {
    // A pipe or a device exists before it is written to.
    const isNew = (await stat(file).catch(() => undefined))?.isFile() !== false
    try {
      return new RecordingWriter(file, await open(file, isNew ? 'wx' : 'w'), maxBytes)
    } catch (error) {
      throw openFailure(file, error)
    }
  }

  private constructor(file: string, handle: FileHandle, maxBytes: number) {
    this.#file = file
    this.#handle = handle
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  get lines(): number {
    return this.#lines
  }

  /**
   * Appends a line; returns false if there is no room for it.
   * @throws NumacastError NUMACAST_UNAVAILABLE when it cannot be written. No part of it remains
   */
  async write(line: string): Promise<boolean> {
    const bytes = Buffer.from(`${line}\n`)
    if (this.#bytes + bytes.length > this.#maxBytes) return false
    try {
      for (let from = 0; from < bytes.length; ) from += (await this.#handle.write(bytes, from)).bytesWritten
    } catch (error) {
      await this.#removeRest()
      const cause = error instanceof Error ? error.message : String(error)
      const kept = `it holds the ${this.#lines} snapshots before this one`
      throw new NumacastError('NUMACAST_UNAVAILABLE', `${this.#file} cannot be written: ${cause}; ${kept}`, {
        cause: error,
      })
    }
    this.#bytes += bytes.length
    this.#lines++
    return true
  }

  close(): Promise<void> {
    return this.#handle.close()
  }

  /** Removes the beginning of a line that could not be written whole. */
  async #removeRest(): Promise<void> {
    try {
      await this.#handle.truncate(this.#bytes)
    } catch {
      // A pipe or a device keeps nothing. For a file the error that led here is reported.
    }
  }
}

function openFailure(file: string, error: unknown): NumacastError {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EEXIST') {
    return new NumacastError('NUMACAST_CONFLICT', `${file} exists already: remove it, or name another file`)
  }
  if (code === 'ENOENT') return new NumacastError('NUMACAST_NOT_FOUND', `there is no directory for ${file}`)
  return new NumacastError('NUMACAST_UNAVAILABLE', `${file} cannot be created: ${message}`, { cause: error })
}
