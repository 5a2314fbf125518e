/**
 * The parts of the key of a topic with several key fields, as `Topic.keyOf` joined them: `/` between parts, `~1`
 * for `/` and `~0` for `~` inside. The key of a topic with one key field is the value itself.
 */
export function keyParts(key: string): string[] {
  return key.split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** The inverse: splits a key into its parts. */
export function keyFrom(parts: readonly string[]): string {
  return parts.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')
}

/** The key of one process of a worker, in the topics that are keyed by workerId and incarnation. */
export function workerProcessKey({ workerId, incarnation }: { workerId: string; incarnation: number }): string {
  return keyFrom([workerId, String(incarnation)])
}
