import { invalidArgument } from '../core/errors.js'

/**
 * The RADIO/DISH datagram, as libzmq 4.3 writes it to UDP (`udp_engine.cpp`; there is no RFC for the UDP form):
 *
 *      0        1                 1+n
 *     +--------+-----------------+------------------
 *     | n (u8) | group (n bytes) | body, to the end
 *     +--------+-----------------+------------------
 *
 * One datagram is one message; the length of the body is the length of the datagram.
 */

/** ZMQ_GROUP_MAX_LENGTH in libzmq's `zmq.h`, which allows 255 only to later versions. */
export const maxGroupBytes = 15

/** Bytes in front of the body. */
export function radioHeaderBytes(group: string): number {
  return 1 + group.length
}

export interface RadioFrame {
  readonly group: string
  /** Shares memory with the frame. */
  readonly body: Buffer
}

/** Why a datagram is not a RADIO frame; the last part of a counter's name. */
export const RadioFault = {
  empty: 'empty',
  noGroup: 'no-group',
  groupTooLong: 'group-too-long',
  truncated: 'truncated',
} as const
export type RadioFault = (typeof RadioFault)[keyof typeof RadioFault]

/** True for 1 … 15 printable ASCII characters: what any RADIO/DISH peer can write and print. */
export function isGroupName(name: string): boolean {
  return name.length <= maxGroupBytes && /^[\x21-\x7e]+$/.test(name)
}

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT */
export function checkGroupName(name: string): void {
  if (isGroupName(name)) return
  throw invalidArgument(`group must be 1 … ${maxGroupBytes} printable ASCII characters, not ${JSON.stringify(name)}`, {
    group: name,
  })
}

/** `group` must satisfy {@link isGroupName}; the caller checks it once, not per frame. */
export function encodeRadio(group: string, body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(1 + group.length + body.length)
  frame[0] = group.length
  frame.write(group, 1, 'latin1')
  frame.set(body, 1 + group.length)
  return frame
}

/** Never throws and copies nothing: a frame, or why it is none. */
export function decodeRadio(frame: Buffer): RadioFrame | RadioFault {
  const groupBytes = frame[0]
  if (groupBytes === undefined) return RadioFault.empty
  if (groupBytes === 0) return RadioFault.noGroup
  if (groupBytes > maxGroupBytes) return RadioFault.groupTooLong
  const bodyStart = 1 + groupBytes
  if (frame.length < bodyStart) return RadioFault.truncated
  return { group: frame.toString('latin1', 1, bodyStart), body: frame.subarray(bodyStart) }
}
