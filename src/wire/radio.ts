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

/** What every libzmq accepts: ZMQ_GROUP_MAX_LENGTH in `zmq.h` was 15 at first, and is 255 in newer ones. */
export const maxGroupBytes = 15

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

/**
 * What stands in front of the body. `group` must satisfy {@link isGroupName}; the caller checks once, not per frame.
 */
export function encodeRadioHeader(group: string): Buffer {
  const header = Buffer.allocUnsafe(1 + group.length)
  header[0] = group.length
  header.write(group, 1, 'latin1')
  return header
}

/** The frame in one piece; a socket that can gather takes header and body as they are. */
export function encodeRadio(group: string, body: Uint8Array): Buffer {
  return Buffer.concat([encodeRadioHeader(group), body])
}

/** Returns a frame, or why the datagram is not one. Never throws and copies nothing. */
export function decodeRadio(frame: Buffer): RadioFrame | RadioFault {
  const groupBytes = frame[0]
  if (groupBytes === undefined) return RadioFault.empty
  if (groupBytes === 0) return RadioFault.noGroup
  if (groupBytes > maxGroupBytes) return RadioFault.groupTooLong
  const bodyStart = 1 + groupBytes
  if (frame.length < bodyStart) return RadioFault.truncated
  return { group: frame.toString('latin1', 1, bodyStart), body: frame.subarray(bodyStart) }
}
