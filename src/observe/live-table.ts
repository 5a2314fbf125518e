import type { Clock } from '../core/time/clock.js'
import { Coalescer } from '../core/time/coalescer.js'
import type { StatusDocument } from '../views/status/status-document.js'
import type { PlaneDisplay, Screen } from './plane-display.js'
import { printable } from './printable.js'
import { statusLines } from './status-table.js'

// ECMA-48 and DEC private modes: hide or show the cursor, and cut long lines instead of wrapping them, because a
// wrapped line would take two rows and the next frame would start one row too low.
const cut = '\u001b[?7l'
const wrap = '\u001b[?7h'
const enter = `\u001b[?25l${cut}`
const leave = `${wrap}\u001b[?25h`
const clearDown = '\u001b[0J'

/** Four frames a second: faster than that only the digits blur. */
const frameIntervalMs = 250

/**
 * A table that is drawn over itself. Notes scroll by above it and stay in the terminal's history, as does the
 * last frame.
 */
export class LiveTable implements PlaneDisplay {
  readonly #screen: Screen
  readonly #drawing: Coalescer
  #lines: readonly string[] = []
  #rowsDrawn = 0
  /** Notes that the next frame prints above the table. */
  #above = ''
  #closed = false

  constructor(screen: Screen, clock: Clock) {
    this.#screen = screen
    this.#drawing = new Coalescer(clock, frameIntervalMs, () => this.#draw())
    screen.write(enter)
  }

  status(document: StatusDocument): void {
    this.#lines = linesOf(document)
    this.#drawing.request()
  }

  showLine(text: string): void {
    this.#above = `${wrap}${printable(text)}\n${cut}`
    this.#drawing.now()
  }

  end(whileItRan: StatusDocument, text: string): void {
    if (this.#closed) return
    this.#lines = linesOf(whileItRan)
    this.close()
    this.#screen.write(`${printable(text)}\n`)
  }

  close(): void {
    if (this.#closed) return
    this.#drawing.now()
    this.#drawing.close()
    this.#closed = true
    this.#screen.write(leave)
  }

  #draw(): void {
    const above = this.#above
    this.#above = ''
    const lines = fitRows(this.#lines, rowsOf(this.#screen))
    const up = this.#rowsDrawn === 0 ? '' : `\u001b[${this.#rowsDrawn}A`
    this.#screen.write(`${up}\r${clearDown}${above}${lines.map((line) => `${line}\n`).join('')}`)
    this.#rowsDrawn = lines.length
  }
}

function linesOf(document: StatusDocument): readonly string[] {
  return statusLines(document, { intents: 5 })
}

/** A pseudo-terminal without a size reports 0. */
function rowsOf({ rows }: Screen): number {
  return rows === undefined || rows === 0 ? 24 : rows
}

/** A frame must leave a row for the cursor, or it would scroll itself out of reach. */
function fitRows(lines: readonly string[], rows: number): readonly string[] {
  const room = Math.max(1, rows - 1)
  if (lines.length <= room) return lines
  return [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more lines; \`numacast status\` prints them all`]
}
