import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { readRecording } from '../../../src/cli/policies/recording-reader.js'
import { RecordingWriter } from '../../../src/cli/policies/recording-writer.js'
import { SnapshotBuilder } from '../../../src/views/snapshot/snapshot-builder.js'
import { recordSnapshot } from '../../../src/views/snapshot/snapshot-record.js'

const folder = t.testdir()
const inFolder = (name: string): string => path.join(folder, name)

async function timesOf(file: string): Promise<number[]> {
  const times: number[] = []
  for await (const { nowMs } of readRecording(file)) times.push(nowMs)
  return times
}

const load = {
  ...{ incarnation: 1, bootId: 'b', host: 'h', numaNode: 0, liveliness: 'alive', reliableFromMs: null },
  ...{ condition: 'available', inFlight: 0, concurrency: 1, inFlightByQueue: null, vramUsedBytes: 0 },
  ...{ capacityScore: null, admissionOpen: true, admissionReason: null, observedMs: 0 },
}

const withChange = (change: object): string => {
  return JSON.stringify({ format: 'numacast-snapshot-1', nowMs: 2, changes: [change] })
}

const line = (nowMs: number): string => recordSnapshot(new SnapshotBuilder().snapshot(), nowMs)

t.test('what a writer wrote is read again, and it takes no line beyond its size', async (t) => {
  const file = inFolder('bounded')
  const size = line(1).length + 1
  const writer = await RecordingWriter.open(file, 2 * size + size - 1)
  t.equal(await writer.write(line(1)), true)
  t.equal(await writer.write(line(2)), true)
  t.equal(await writer.write(line(3)), false)
  t.equal(writer.bytes, 2 * size)
  t.equal(writer.lines, 2)
  await writer.close()
  t.strictSame(await timesOf(file), [1, 2])
})

t.test('a file that exists is not overwritten, and a file that cannot be created is named', async (t) => {
  const file = inFolder('precious')
  writeFileSync(file, 'precious')
  await t.rejects(RecordingWriter.open(file, 100), {
    code: 'NUMACAST_CONFLICT',
    message: `${file} exists already: remove it, or name another file`,
  })
  t.equal(readFileSync(file, 'utf8'), 'precious')
  const nowhere = inFolder('nowhere/file')
  await t.rejects(RecordingWriter.open(nowhere, 100), {
    code: 'NUMACAST_NOT_FOUND',
    message: `there is no directory for ${nowhere}`,
  })
  await t.rejects(RecordingWriter.open(folder, 100), { code: 'NUMACAST_UNAVAILABLE' })
})

const withoutFull = existsSync('/dev/full') ? false : 'there is no /dev/full'
t.test('a full disk is an error that names the file', { skip: withoutFull }, async (t) => {
  const writer = await RecordingWriter.open('/dev/full', 1_000)
  await t.rejects(writer.write(line(1)), {
    code: 'NUMACAST_UNAVAILABLE',
    message: /^\/dev\/full cannot be written: ENOSPC: no space left on device, write; it holds the 0 snapshots/,
  })
  await writer.close()
})

t.test('a line that does not fit on the disk is removed, and the lines before it remain', async (t) => {
  const module = path.resolve(import.meta.dirname, '../../../src/cli/policies/recording-writer.js')
  const file = inFolder('limited')
  const program = `
    import { RecordingWriter } from ${JSON.stringify(module)}
    const writer = await RecordingWriter.open(${JSON.stringify(file)}, 1e9)
    const line = ${JSON.stringify(line(1))}.padEnd(700)
    try {
      for (let count = 0; count < 10; count++) await writer.write(line)
    } catch (error) {
      console.log(error.code, error.message)
    }`
  // The kernel refuses to let the file grow beyond 2 blocks of 512 or 1,024 bytes, in the middle of a line. What tap adds
  // by NODE_OPTIONS writes a file of its own, which would fail, too.
  const limited = `trap '' XFSZ; ulimit -f 2; unset NODE_OPTIONS; exec "$0" --input-type=module --eval "$1"`
  const { stdout, stderr } = spawnSync('sh', ['-c', limited, process.execPath, program], { encoding: 'utf8' })
  t.match(
    stdout,
    /^NUMACAST_UNAVAILABLE .* cannot be written: EFBIG: .*; it holds the [12] snapshots before this one/,
    stderr,
  )
  const text = readFileSync(file, 'utf8')
  t.ok(text.length > 0 && text.length % 701 === 0, `${text.length} bytes are whole lines`)
  t.ok((await timesOf(file)).every((nowMs) => nowMs === 1))
})

t.test('a line that is no snapshot, or older than the one above it, is named by its number', async (t) => {
  const cases: [string, string[], RegExp][] = [
    ['text', [line(1), 'nonsense', line(2)], /line 2: this line is no recorded snapshot: nonsense/],
    ['cut', [line(1), line(2).slice(0, -3)], /line 2: this line is no recorded snapshot/],
    ['empty', [line(1), '', line(2)], /line 2: this line is no recorded snapshot/],
    ['other', [line(1), '{"format":"other"}'], /line 2: this line is no recorded snapshot: {"format":"other"}/],
    ['kind', [line(1), withChange({ kind: 'nonsense' })], /line 2: changes\.0\.kind: Invalid/],
    [
      'negative',
      [withChange({ kind: 'worker-removed', workerId: 'w' })],
      /line 1: changes\.0\.kind of worker w: Invalid/,
    ],
    ['zone', [line(1), withChange({ kind: 'zone', zone: { bootId: 'b' } })], /line 2: changes\.0\.zone\.host: must be/],
    [
      'load',
      [line(1), line(2), withChange({ kind: 'worker-load', workerId: 'w', load: { ...load, inFlight: -1 } })],
      /line 3: changes\.0\.load\.inFlight of worker w: Too small/,
    ],
    ['older', [line(5), line(6), line(4)], /line 3: it was recorded before the line above it/],
  ]
  for (const [name, lines, message] of cases) {
    const file = inFolder(name)
    writeFileSync(file, `${lines.join('\n')}\n`)
    await t.rejects(timesOf(file), { code: 'NUMACAST_MALFORMED', message }, name)
    await t.rejects(timesOf(file), { message: new RegExp(`^${file}, `) }, name)
  }
})

t.test('a recording that is missing, empty or unreadable is refused', async (t) => {
  await t.rejects(timesOf(inFolder('missing')), { code: 'NUMACAST_NOT_FOUND', message: /there is no recording/ })
  writeFileSync(inFolder('blank'), '')
  await t.rejects(timesOf(inFolder('blank')), { code: 'NUMACAST_NOT_FOUND', message: /is empty: it holds no snapshot/ })
  await t.rejects(timesOf(folder), { code: 'NUMACAST_UNAVAILABLE', message: /cannot be read: EISDIR/ })
})
