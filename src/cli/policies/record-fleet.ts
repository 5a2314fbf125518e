import { NumacastError } from '../../core/errors.js'
import { printable } from '../../observe/printable.js'
import { formatBytes } from '../../observe/units.js'
import type { FleetView } from '../../views/fleet-view.js'
import { recordSnapshot } from '../../views/snapshot/snapshot-record.js'
import { pause } from '../daemon/daemon.js'
import { RecordingWriter } from './recording-writer.js'

export interface RecordFleetOptions {
  readonly file: string
  readonly intervalMs: number
  /** Null: until the signal aborts. */
  readonly durationMs: number | null
  readonly maxBytes: number
  readonly signal: AbortSignal
}

/**
 * Records a view into a new file, and returns in a sentence how it ended.
 * @throws NumacastError what {@link RecordingWriter} throws; NUMACAST_LIMIT when not even one snapshot fits
 */
export async function recordFleet(view: FleetView, options: RecordFleetOptions): Promise<string> {
  const { file, intervalMs, durationMs, maxBytes, signal } = options
  const { clock } = view.participant
  const writer = await RecordingWriter.open(file, maxBytes)
  const summary = (): string =>
    printable(
      `${writer.lines} ${writer.lines === 1 ? 'snapshot' : 'snapshots'}, ${formatBytes(writer.bytes)}, in ${file}`,
    )
  try {
    const startMs = clock.nowMs()
    for (let turn = 0; !signal.aborted; turn++) {
      const line = recordSnapshot(view.snapshot(), clock.nowMs())
      if (!(await writer.write(line))) return fullText(file, line, maxBytes, writer.lines, summary())
      const nextMs = (turn + 1) * intervalMs
      if (durationMs !== null && nextMs > durationMs) break
      await pause(Math.max(0, startMs + nextMs - clock.nowMs()), signal)
    }
    return `recorded ${summary()}`
  } finally {
    await writer.close()
  }
}

function fullText(file: string, line: string, maxBytes: number, lines: number, summary: string): string {
  if (lines > 0) return `the recording stops at --max-bytes (${formatBytes(maxBytes)}): ${summary}`
  const needed = Buffer.byteLength(line) + 1
  throw new NumacastError(
    'NUMACAST_LIMIT',
    `--max-bytes leaves room for ${maxBytes} bytes in ${file}, and one snapshot of this fleet takes ${needed}`,
  )
}
