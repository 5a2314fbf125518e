/** Control characters (C0, DEL, C1), line separators, and the marks that make text run backwards. */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

/**
 * Text that came from another process, made safe for a terminal: a worker may call itself anything, including
 * an escape sequence. Each control character becomes its visible `\xNN` or `\uNNNN` form.
 */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => {
    const code = character.charCodeAt(0)
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
  })
}
