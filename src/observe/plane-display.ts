import type { StatusDocument } from '../views/status-document.js'

/** Where `numacast up` shows the plane: a live table at a terminal, lines anywhere else. */
export interface PlaneDisplay {
  /** The plane as it is now. May be called as often as it changes. */
  status(document: StatusDocument): void
  /** Something that happened besides: a process died, the plane is draining. One line. */
  note(text: string): void
  /**
   * The plane has stopped as it should: the last that is shown is how it was while it ran, for what comes after that
   * looks like a failure, and that it has stopped. Closes.
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
