/**
 * A minimal terminal that shows what a program draws: rows of text, cursor up, clear down, modes. The cursor cannot
 * reach rows that have scrolled off the top, as on a real terminal.
 */
export class Terminal {
  readonly columns = 200
  readonly rows: number
  readonly modes = new Map<string, boolean>()
  written = 0
  readonly #all: string[] = ['']
  #row = 0
  #column = 0
  #unfinished = ''

  constructor(rows: number) {
    this.rows = rows
  }

  write(more: string): boolean {
    this.written += more.length
    const text = this.#unfinished + more
    // A pipe may cut an escape sequence in two.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what a terminal reads
    this.#unfinished = /\u001b(\[\??\d*)?$/.exec(text)?.[0] ?? ''
    for (const [token, mode, set, up] of text.slice(0, text.length - this.#unfinished.length).matchAll(
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what a terminal reads
      /\u001b\[\?(\d+)([hl])|\u001b\[(\d+)A|\u001b\[0J|\n|\r|[^\u001b\n\r]+|\u001b/g,
    )) {
      if (mode !== undefined) this.modes.set(mode, set === 'h')
      else if (up !== undefined) this.#row = Math.max(this.#firstVisible(), this.#row - Number(up))
      else if (token === '\u001b[0J') this.#clearDown()
      else if (token === '\n') this.#feed()
      else if (token === '\r') this.#column = 0
      else this.#put(token)
    }
    return true
  }

  /** The text on the screen, without the empty row of the cursor. */
  lines(): string[] {
    const visible = this.#all.slice(this.#firstVisible())
    return visible.at(-1) === '' ? visible.slice(0, -1) : visible
  }

  text(): string {
    return this.lines().join('\n')
  }

  #firstVisible(): number {
    return Math.max(0, this.#all.length - this.rows)
  }

  #clearDown(): void {
    this.#all.splice(this.#row + 1)
    this.#all[this.#row] = (this.#all[this.#row] ?? '').slice(0, this.#column)
  }

  #feed(): void {
    this.#row++
    this.#column = 0
    if (this.#row === this.#all.length) this.#all.push('')
  }

  #put(text: string): void {
    const line = this.#all[this.#row] ?? ''
    this.#all[this.#row] =
      line.slice(0, this.#column).padEnd(this.#column) + text + line.slice(this.#column + text.length)
    this.#column += text.length
  }
}
