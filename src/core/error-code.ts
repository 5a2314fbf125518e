/** Returns the code of a system error in lower case, for counters: `ENOBUFS` as `enobufs`; `unknown` without a code. */
export function errorCode(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | null)?.code
  return typeof code === 'string' ? code.toLowerCase() : 'unknown'
}
