/**
 * What the two ends of a link tell each other, padded to the size that is measured:
 *
 *     kind (u8) | number (u32) | detail (u32) | …
 */
export const Kind = {
  /** Begins a conversation, numbered; echoed. Detail: confirm so many counts at a time. */
  hello: 0,
  /** Echoed. */
  ping: 1,
  /** Counted, each. */
  count: 2,
  /** So many were counted. */
  confirmed: 3,
  /** Of each key only the last matters. Detail: how many keys take turns. */
  state: 4,
  /** As {@link state}, and the last of all; confirmed as soon as every key's last one is here. */
  lastState: 5,
} as const
export type Kind = (typeof Kind)[keyof typeof Kind]

export const leastBytes = 9

export function newMessage(kind: Kind, number: number, bytes = leastBytes, detail = 0): Buffer {
  const message = Buffer.allocUnsafe(bytes)
  message[0] = kind
  message.writeUInt32BE(number, 1)
  message.writeUInt32BE(detail, 5)
  return message
}

export function kindOf(message: Buffer): number | undefined {
  return message[0]
}

export function numberOf(message: Buffer): number {
  return message.readUInt32BE(1)
}

export function detailOf(message: Buffer): number {
  return message.readUInt32BE(5)
}
