import Table from 'cli-table3'
import { printable } from './printable.js'

const noBorders = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'],
  ].map((part) => [part, '']),
)

/** Aligned columns under a heading, one string per line. Every cell is made safe for a terminal. */
export function tableLines(heading: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const table = new Table({
    head: [...heading],
    chars: { ...noBorders, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  for (const row of rows) table.push(row.map(printable))
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
}
