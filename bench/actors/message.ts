/**
 * Messages between the two ends of a link, padded to the measured size:
 *
 *     kind (u8) | number (u32) | detail (u32) | …
 */
export const Kind = {
  /** Begins a numbered conversation; echoed. Detail: number of counts per confirmation. */
  hello: 0,
  /** Echoed. */
  ping: 1,
  /** Each is counted. */
  count: 2,
  /** Number of counted messages. */
  confirmed: 3,
  /** Only the last of each key matters. Detail: number of keys that take turns. */
  state: 4,
  /** The last {@link state} of all; confirmed when the last of every key has arrived. */
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
