/** The parts of an instance key, as `Topic.keyOf` joined them: `/` between parts, `~1` for `/` and `~0` for `~` inside. */
export function keyParts(key: string): string[] {
  return key.split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** The key of an instance whose key fields have these values, for when the instance itself is not at hand. */
export function keyOfParts(parts: readonly (string | number)[]): string {
  return parts.map((part) => String(part).replaceAll('~', '~0').replaceAll('/', '~1')).join('/')
}
