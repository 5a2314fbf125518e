// A process that takes memory until the kernel ends it. It prints "ready", waits for a line, then touches pages in turn
// and prints how many bytes it has, so that its last line is the amount that it could get.
//
//     node memory-subject.js <bytes to touch> [<file to read twice first> <bytes of it>]
import { closeSync, openSync, readSync, writeSync } from 'node:fs'

const pageBytes = 4096
const reportBytes = 256 * 1024
const [bytes = '0', file, fileBytes = '0'] = process.argv.slice(2)

const memory = Buffer.allocUnsafeSlow(Number(bytes))
if (file !== undefined) {
  readThrough(file, Number(fileBytes))
  // Pages that are read a second time are active: they do not count as inactive_file, but can still be reclaimed.
  readThrough(file, Number(fileBytes) / 2)
}
writeSync(1, 'ready\n')
readSync(0, Buffer.alloc(16))
for (let offset = 0; offset < memory.length; offset += pageBytes) {
  memory[offset] = 1
  if ((offset + pageBytes) % reportBytes === 0) writeSync(1, `${offset + pageBytes}\n`)
}
writeSync(1, 'touched\n')
readSync(0, Buffer.alloc(16))

function readThrough(path: string, length: number): void {
  const descriptor = openSync(path, 'r')
  const chunk = Buffer.alloc(256 * 1024)
  for (let offset = 0; offset < length; offset += chunk.length) readSync(descriptor, chunk, 0, chunk.length, offset)
  closeSync(descriptor)
}
