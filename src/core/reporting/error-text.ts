/** Returns the message of what was thrown, which may be anything. Never throws: some objects have no text. */
export function errorText(error: unknown): string {
  try {
    return String(error instanceof Error && error.message !== '' ? error.message : error)
  } catch {
    return 'a value without a text'
  }
}
