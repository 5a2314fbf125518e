/**
 * Returns `bytes` random bytes in hex, from the system's generator. Uses the global `crypto`, which Node loads at its
 * first use: `node:crypto` would be loaded by every import of numacast.
 */
export function randomHex(bytes: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString('hex')
}
