import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { symlinkSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { nativeAddon } from '../../../src/topology/addon/addon.js'
import { processStartTime, readProcessState } from '../../../src/topology/process/process-state.js'
import { requirement } from '../../support/requirement.js'

if (requirement(t, 'the native addon', nativeAddon() !== null, 'it is not compiled')) run()

function run(): void {
  t.test('the state of this process is read', async (t) => {
    const before = readProcessState(process.pid)
    t.match(before, { state: 'R' })
    t.ok((before?.threads ?? 0) > 1)
    t.ok((before?.residentBytes ?? 0) > 1_000_000)
    t.equal(processStartTime(process.pid), before?.startTime)
    while ((readProcessState(process.pid)?.cpuTimeMs ?? 0) <= (before?.cpuTimeMs ?? 0)) {
      // busy until the CPU time clock ticks
    }
  })

  t.test('a process with blanks and parentheses in its name is stopped, then gone', async (t) => {
    const file = path.join(t.testdir({}), 'a) R (b')
    symlinkSync(execFileSync('which', ['sleep'], { encoding: 'utf8' }).trim(), file)
    const child = spawn(file, ['1000'])
    const pid = child.pid ?? 0
    child.kill('SIGSTOP')
    while (readProcessState(pid)?.state !== 'T') await delay(5)
    t.ok((processStartTime(pid) ?? 0) >= (processStartTime(process.pid) ?? Number.POSITIVE_INFINITY))
    child.kill('SIGKILL')
    await once(child, 'exit')
    t.equal(readProcessState(pid), null)
    t.equal(processStartTime(pid), null)
  })

  t.test('the state of an unknown pid is null, and an invalid pid is refused', async (t) => {
    t.equal(readProcessState(4_194_304), null)
    t.throws(() => readProcessState(-1), { code: 'NUMACAST_INVALID_ARGUMENT' })
    const notSpawned = undefined as unknown as number
    t.throws(() => readProcessState(notSpawned), { code: 'NUMACAST_INVALID_ARGUMENT' })
  })
}
