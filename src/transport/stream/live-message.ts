import { maxGroupBytes } from '../../wire/radio.js'

/**
 * A live message on XPUB/SUB: two ZeroMQ frames, `group · NUL` and the body. SUB filters by prefix of the first; the
 * NUL keeps the group `a` apart from `ab`; the body stays apart so that a large one is never copied.
 */
export function encodeLiveMessage(group: string, body: Uint8Array): Uint8Array[] {
  return [Buffer.from(livePrefix(group), 'latin1'), body]
}

/** Returns the prefix by which SUB filters. */
export function livePrefix(group: string): string {
  return `${group}\0`
}

export interface LiveMessage {
  readonly group: string
  readonly body: Buffer
}

/** Returns undefined if it is not a live message. */
export function decodeLiveMessage(frames: readonly Buffer[]): LiveMessage | undefined {
  const [prefix, body] = frames
  if (prefix === undefined || body === undefined || frames.length !== 2) return undefined
  const groupBytes = prefix.length - 1
  if (groupBytes < 1 || groupBytes > maxGroupBytes || prefix[groupBytes] !== 0) return undefined
  return { group: prefix.toString('latin1', 0, groupBytes), body }
}
