import type { WriteStream } from 'node:tty'

/**
 * Prints a JSON document on stdout: indented for a person at a terminal, one line for a program, so that the
 * last line of a longer output parses by itself.
 */
export function printDocument(document: unknown, stdout: Pick<WriteStream, 'isTTY' | 'write'> = process.stdout): void {
  stdout.write(`${JSON.stringify(document, null, stdout.isTTY ? 2 : 0)}\n`)
}
