/** A program of namespaces.test.ts: prints facts of the machine that it runs on, and keeps running if asked to. */
import { readdirSync, readFileSync } from 'node:fs'
import os from 'node:os'

const interfaces = readdirSync('/sys/class/net').sort()
const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
console.log(JSON.stringify({ hostname: os.hostname(), bootId, pid: process.pid, interfaces }))
if (process.argv[2] === 'stay') setInterval(() => undefined, 1_000)
