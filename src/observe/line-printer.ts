import type { Clock } from '../core/time/clock.js'
import type { StatusDocument } from '../views/status/status-document.js'
import { type ChangeLinesOptions, changeLines, totalsLine } from './change-lines.js'
import type { PlaneDisplay, Screen } from './plane-display.js'
import { printable } from './printable.js'

const totalsIntervalMs = 5_000

/** One line per change, and the load every five seconds if it changed: for logs, pipes and `grep`. */
export class LinePrinter implements PlaneDisplay {
  readonly #screen: Screen
  readonly #clock: Clock
  readonly #options: ChangeLinesOptions
  #before: StatusDocument | undefined
  #totals = ''
  #totalsAtMs: number
  #closed = false

  constructor(screen: Screen, clock: Clock, options: ChangeLinesOptions = {}) {
    this.#options = options
    this.#screen = screen
    this.#clock = clock
    this.#totalsAtMs = clock.nowMs()
  }

  /** The state already known: only later changes are printed. */
  startFrom(document: StatusDocument): void {
    this.#before = document
  }

  status(document: StatusDocument): void {
    for (const line of changeLines(this.#before, document, this.#options)) this.#print(line)
    this.#before = document
    if (this.#clock.nowMs() - this.#totalsAtMs < totalsIntervalMs) return
    this.#totalsAtMs = this.#clock.nowMs()
    const totals = totalsLine(document)
    if (totals !== this.#totals) this.#print(totals)
    this.#totals = totals
  }

  showLine(text: string): void {
    this.#print(printable(text))
  }

  /** Earlier states have been printed line by line. */
  end(_whileItRan: StatusDocument, text: string): void {
    this.showLine(text)
    this.close()
  }

  close(): void {
    this.#closed = true
  }

  #print(line: string): void {
    if (this.#closed) return
    const time = new Date(this.#clock.wallMs()).toISOString().slice(11, 23)
    this.#screen.write(`${time} ${line}\n`)
  }
}
