/** Above this the native decoder is faster than building the text from its characters. */
const maxLength = 16

const { fromCharCode } = String

/**
 * `bytes[at … at + length)` as text when that is short ASCII, as keys and most field values are; else undefined, and
 * the caller asks the native decoder, a call into which costs several times as much as this.
 */
export function shortText(b: Uint8Array, at: number, length: number): string | undefined {
  if (length > maxLength) return undefined
  let high = 0
  for (let index = at; index < at + length; index++) high |= b[index] as number
  if (high > 0x7f) return undefined
  const c = (index: number): number => b[at + index] as number
  switch (length) {
    case 0:
      return ''
    case 1:
      return fromCharCode(c(0))
    case 2:
      return fromCharCode(c(0), c(1))
    case 3:
      return fromCharCode(c(0), c(1), c(2))
    case 4:
      return fromCharCode(c(0), c(1), c(2), c(3))
    case 5:
      return fromCharCode(c(0), c(1), c(2), c(3), c(4))
    case 6:
      return fromCharCode(c(0), c(1), c(2), c(3), c(4), c(5))
    case 7:
      return fromCharCode(c(0), c(1), c(2), c(3), c(4), c(5), c(6))
    case 8:
      return fromCharCode(c(0), c(1), c(2), c(3), c(4), c(5), c(6), c(7))
    case 9:
      return fromCharCode(c(0), c(1), c(2), c(3), c(4), c(5), c(6), c(7), c(8))
    case 10:
      return fromCharCode(c(0), c(1), c(2), c(3), c(4), c(5), c(6), c(7), c(8), c(9))
    case 11:
      return fromCharCode(c(0), c(1), c(2), c(3), c(4), c(5), c(6), c(7), c(8), c(9), c(10))
    case 12:
      return fromCharCode(c(0), c(1), c(2), c(3), c(4), c(5), c(6), c(7), c(8), c(9), c(10), c(11))
    case 13:
      return fromCharCode(c(0), c(1), c(2), c(3), c(4), c(5), c(6), c(7), c(8), c(9), c(10), c(11), c(12))
    case 14:
      return fromCharCode(c(0), c(1), c(2), c(3), c(4), c(5), c(6), c(7), c(8), c(9), c(10), c(11), c(12), c(13))
    case 15:
      return fromCharCode(c(0), c(1), c(2), c(3), c(4), c(5), c(6), c(7), c(8), c(9), c(10), c(11), c(12), c(13), c(14))
    default:
      return fromCharCode(
        c(0),
        c(1),
        c(2),
        c(3),
        c(4),
        c(5),
        c(6),
        c(7),
        c(8),
        c(9),
        c(10),
        c(11),
        c(12),
        c(13),
        c(14),
        c(15),
      )
  }
}
