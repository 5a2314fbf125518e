import path from 'node:path'
import type { Test } from 'tap'
import type { Machine } from '../machine.js'
import type { MemoryMeasurement } from '../protocol.js'
import { mebibyte, near } from './tolerance.js'

/**
 * The touched bytes are reported every 256 KiB. Each of the five CPUs may hold 64 pages charged in advance (256 KiB).
 * Node itself allocates a little meanwhile. The levels of the cases differ by 16 MiB or more.
 */
const tolerance = 4 * mebibyte

export function checkMemory(t: Test, { layout }: Machine, measured: readonly MemoryMeasurement[]): void {
  t.equal(measured.length, 5, 'all cases were measured')
  for (const { title, reading, lowest, touchedBytes, activeFileBytes, ...outcome } of measured) {
    const { memory } = reading
    t.equal(reading.layout, layout, `${title}: layout`)
    t.equal(reading.ancestorsVisible, true, `${title}: ancestors are visible`)
    t.same(reading.warnings, [], `${title}: no warning`)
    t.match(memory.limit, { state: 'limited', value: lowest.limitBytes }, `${title}: limit`)
    const level = memory.limit.state === 'limited' ? path.basename(memory.limit.levelPath) : null
    t.equal(level?.replace(/^.*-/, ''), lowest.level, `${title}: the level that sets it`)

    t.equal(outcome.endedBy, 'SIGKILL', `${title}: the kernel ended the process`)
    near(t, `${title}: bytes until then`, memory.maxHeadroomBytes, touchedBytes, tolerance)
    const safeBytes = memory.safeHeadroomBytes
    near(t, `${title}: without the active file pages`, safeBytes, touchedBytes - activeFileBytes, tolerance)

    t.equal(outcome.oomKillsRead, 1, `${title}: one OOM kill counted`)
    const watched = layout === 'v2' ? 1 : null
    t.equal(
      outcome.oomKillsWatched,
      watched,
      `${title}: the events watch reported it, if the layout has an events file`,
    )
  }
}
