// `npm run api`: writes docs/api from the shipped declarations.
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { apiReports, entryPoints } from './api-report.js'

const root = path.resolve(import.meta.dirname, '..', '..', '..')
const { reports, unreachable } = apiReports(path.join(root, 'dist'))
mkdirSync(path.join(root, 'docs', 'api'), { recursive: true })
for (const [entry, text] of reports) writeFileSync(path.join(root, 'docs', 'api', `${entryPoints[entry]}.api.md`), text)
for (const line of unreachable) process.stderr.write(`not exported by any entry point: ${line}\n`)
if (unreachable.length > 0) process.exitCode = 1
