import fc from 'fast-check'

/** Changes that an attacker or a broken sender makes to a valid frame. */
export type Mutation = (frame: Buffer) => Buffer

const flipBit = fc.tuple(fc.nat(), fc.nat(7)).map(
  ([at, bit]): Mutation =>
    (frame) => {
      const copy = Buffer.from(frame)
      const index = at % Math.max(1, copy.length)
      if (copy.length > 0) copy[index] = (copy[index] ?? 0) ^ (1 << bit)
      return copy
    },
)

const truncate = fc.nat().map(
  (at): Mutation =>
    (frame) =>
      frame.subarray(0, at % (frame.length + 1)),
)

const append = fc.uint8Array({ minLength: 1, maxLength: 40 }).map(
  (more): Mutation =>
    (frame) =>
      Buffer.concat([frame, more]),
)

/** Bytes with a meaning in MessagePack or varints: long lengths, large counts, forbidden tokens. */
const telling = [0xff, 0x7f, 0x80, 0xdd, 0xdf, 0xc7, 0xc1, 0x00, 0x91, 0x81, 0xdb, 0xc6]
const fill = fc.tuple(fc.nat(), fc.constantFrom(...telling), fc.integer({ min: 1, max: 8 })).map(
  ([at, byte, length]): Mutation =>
    (frame) => {
      const copy = Buffer.from(frame)
      const index = at % (copy.length + 1)
      copy.fill(byte, index, Math.min(copy.length, index + length))
      return copy
    },
)

const insert = fc.tuple(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 200 })).map(
  ([at, bytes]): Mutation =>
    (frame) => {
      const index = at % (frame.length + 1)
      return Buffer.concat([frame.subarray(0, index), bytes, frame.subarray(index)])
    },
)

/** Copies a piece of the frame to another place: duplicate keys and entries, false counts. */
const repeat = fc.tuple(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 60 })).map(
  ([from, to, length]): Mutation =>
    (frame) => {
      const start = from % (frame.length + 1)
      const at = to % (frame.length + 1)
      return Buffer.concat([frame.subarray(0, at), frame.subarray(start, start + length), frame.subarray(at)])
    },
)

const mutation: fc.Arbitrary<Mutation> = fc.oneof(flipBit, truncate, append, fill, insert, repeat)

/** Applies one to three mutations in sequence. */
export const mutations: fc.Arbitrary<Mutation> = fc
  .array(mutation, { minLength: 1, maxLength: 3 })
  .map((chain) => (frame) => chain.reduce((bytes, mutate) => mutate(bytes), frame))

/** Joins the first part of one valid frame and the rest of another. */
export function splice(one: Buffer, other: Buffer, at: number, from: number): Buffer {
  return Buffer.concat([one.subarray(0, at % (one.length + 1)), other.subarray(from % (other.length + 1))])
}
