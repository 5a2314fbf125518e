// Lists the addon's sources: every .cc file below native/src. Printed for binding.gyp, imported by sanitize.mjs.
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const sources = readdirSync(path.join(path.dirname(fileURLToPath(import.meta.url)), 'src'), { recursive: true })
  .filter((name) => name.endsWith('.cc'))
  .sort()
  .map((name) => `native/src/${name}`)

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(`${sources.join('\n')}\n`)
