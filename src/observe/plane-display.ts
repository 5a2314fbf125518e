import type { StatusDocument } from '../views/status/status-document.js'

/** Where `numacast up` shows the plane: a live table at a terminal, lines anywhere else. */
export interface PlaneDisplay {
  /** Shows the plane as it is now. May be called on every change. */
  status(document: StatusDocument): void
  /** Shows one line about another event: a process died, the plane is draining. */
  showLine(text: string): void
  /**
   * The plane has stopped as intended. Shows its last state while running, because later states look like a failure,
   * and that it has stopped. Closes.
   */
  end(whileItRan: StatusDocument, text: string): void
  /** Leaves the terminal as it was found. Idempotent. */
  close(): void
}

/** What a display needs of a stream, so that a test can stand in for a terminal. */
export interface Screen {
  write(text: string): unknown
  readonly columns?: number
  readonly rows?: number
}
