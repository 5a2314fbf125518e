/** Returns how many bytes the head of a text takes whose UTF-8 has this many bytes. */
export function textHeadBytes(bytes: number): number {
  if (bytes < 0x20) return 1
  if (bytes < 0x100) return 2
  return bytes < 0x10000 ? 3 : 5
}

/** Returns the token of an extension whose payload has one of the fixed lengths; undefined for another length. */
export function fixedExtensionToken(length: number): number | undefined {
  switch (length) {
    case 1:
      return 0xd4
    case 2:
      return 0xd5
    case 4:
      return 0xd6
    case 8:
      return 0xd7
    case 16:
      return 0xd8
    default:
      return undefined
  }
}
