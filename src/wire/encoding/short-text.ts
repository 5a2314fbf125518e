/** Above this the native decoder is faster than building the text from its characters. */
const maxLength = 16

const text = String.fromCharCode as (...codes: (number | undefined)[]) => string

/**
 * Returns `b[i … i + length)` as text if that is short ASCII, as keys and most field values are. Otherwise undefined:
 * the caller then uses the native decoder, whose call costs several times as much.
 */
export function shortText(b: Uint8Array, i: number, length: number): string | undefined {
  if (length > maxLength) return undefined
  let high = 0
  for (let at = i; at < i + length; at++) high |= b[at] as number
  if (high > 0x7f) return undefined
  // biome-ignore format: a table, one row for each length
  switch (length) {
    case 0: return ''
    case 1: return text(b[i])
    case 2: return text(b[i], b[i + 1])
    case 3: return text(b[i], b[i + 1], b[i + 2])
    case 4: return text(b[i], b[i + 1], b[i + 2], b[i + 3])
    case 5: return text(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4])
    case 6: return text(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5])
    case 7: return text(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6])
    case 8: return text(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7])
    case 9: return text(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7], b[i + 8])
    case 10: return text(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7], b[i + 8], b[i + 9])
    case 11: return text(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7],
      b[i + 8], b[i + 9], b[i + 10])
    case 12: return text(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7],
      b[i + 8], b[i + 9], b[i + 10], b[i + 11])
    case 13: return text(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7],
      b[i + 8], b[i + 9], b[i + 10], b[i + 11], b[i + 12])
    case 14: return text(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7],
      b[i + 8], b[i + 9], b[i + 10], b[i + 11], b[i + 12], b[i + 13])
    case 15: return text(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7],
      b[i + 8], b[i + 9], b[i + 10], b[i + 11], b[i + 12], b[i + 13], b[i + 14])
    default: return text(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7],
      b[i + 8], b[i + 9], b[i + 10], b[i + 11], b[i + 12], b[i + 13], b[i + 14], b[i + 15])
  }
}
