const offsetBasis = 0xcbf29ce484222325n
const prime = 0x100000001b3n
const mask = 0xffffffffffffffffn

/**
 * FNV-1a, 64 bit, over the UTF-8 bytes of `text` (Fowler, Noll, Vo; RFC 9923). Chosen because any language
 * that joins in can compute it in five lines; it names groups and types and protects nothing.
 */
export function fnv1a64(text: string): bigint {
  let hash = offsetBasis
  for (const byte of Buffer.from(text, 'utf8')) hash = ((hash ^ BigInt(byte)) * prime) & mask
  return hash
}
