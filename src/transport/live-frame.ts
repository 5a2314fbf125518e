import { maxGroupBytes } from '../wire/radio.js'

/**
 * A live frame on XPUB/SUB is one ZeroMQ frame: `group · NUL · body`. The group is in front because SUB filters by
 * prefix; the NUL keeps the group `a` apart from `ab`; one frame costs half of what two cost in zeromq.js.
 */
export function encodeLiveFrame(group: string, body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(group.length + 1 + body.length)
  frame.write(group, 0, 'latin1')
  frame[group.length] = 0
  frame.set(body, group.length + 1)
  return frame
}

/** What SUB filters by. */
export function livePrefix(group: string): string {
  return `${group}\0`
}

export interface LiveFrame {
  readonly group: string
  /** Shares memory with the frame. */
  readonly body: Buffer
}

/** Undefined when no group ends within its 15 bytes. */
export function decodeLiveFrame(frame: Buffer): LiveFrame | undefined {
  for (let end = 0; end <= maxGroupBytes && end < frame.length; end++) {
    if (frame[end] === 0) return { group: frame.toString('latin1', 0, end), body: frame.subarray(end + 1) }
  }
  return undefined
}
