/**
 * One end of a two-way connection between two processes, over any transport. `near` starts the conversation, `far`
 * answers. Every message arrives once, and messages of one end arrive in order unless a lost one was repaired.
 */
export interface Link {
  /** The bytes belong to the link from here on. `key` names the instance where the peer has instances. */
  send(message: Buffer, key: number): void
  /** Sends what is queued, if the peer batches. */
  flush?(): void
  close(): Promise<void>
}

export type LinkRole = 'near' | 'far'

/** Opens one end at `address`. The file of each peer defines its meaning. */
export type OpenLink = (address: string, role: LinkRole, onMessage: (message: Buffer) => void) => Promise<Link>
