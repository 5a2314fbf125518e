// Boots a machine of four NUMA nodes under QEMU, once per cgroup layout, and compares the readings of
// numacast inside with measurements made without it. See docs/testing-vm.md.
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t, { type Test } from 'tap'
import { requirement } from '../support/requirement.js'
import { checkCpu } from './checks/check-cpu.js'
import { checkExit, checkMigration, checkPressure } from './checks/check-events.js'
import { checkMemory } from './checks/check-memory.js'
import { checkOutOfMemory } from './checks/check-out-of-memory.js'
import { checkCpuset, checkPlacement } from './checks/check-placement.js'
import { checkPlane } from './checks/check-plane.js'
import { checkOfflineCpu, checkTopology } from './checks/check-topology.js'
import { checkWallClock } from './checks/check-wall-clock.js'
import { writeInitramfs } from './initramfs.js'
import { type Machine, machines } from './machine.js'
import { findPrerequisites } from './prerequisites.js'
import type { MeasurementName, Measurements } from './protocol.js'
import { type BootOptions, VirtualMachine } from './virtual-machine.js'

const repository = path.resolve(import.meta.dirname, '..', '..', '..')
const bootTimeoutMs = 1_500_000
/** The longest measurement takes half a minute on an idle host of two CPUs. */
const silenceMs = 600_000
/** An idle host takes ten seconds. Sometimes an emulated kernel hangs at boot. */
const bootMs = 120_000
const maxBoots = 3

const checks: { readonly [N in MeasurementName]: (t: Test, machine: Machine, measured: Measurements[N]) => void } = {
  topology: checkTopology,
  'offline CPU': checkOfflineCpu,
  'CPU headroom': checkCpu,
  'memory headroom': checkMemory,
  cpuset: checkCpuset,
  placement: checkPlacement,
  migration: checkMigration,
  pressure: checkPressure,
  'process exit': checkExit,
  plane: checkPlane,
  'out of memory': checkOutOfMemory,
  'wall clock': checkWallClock,
}

/**
 * The clock does not depend on control groups, and a plane reads what other measurements check on every layout. The hybrid
 * machine has memory on v1.
 */
const measuredOn: Partial<Record<string, readonly string[]>> = {
  plane: ['v2'],
  'out of memory': ['v2', 'v1'],
  'wall clock': ['v2'],
} satisfies Partial<Record<MeasurementName, readonly Machine['layout'][]>>

t.setTimeout(machines.length * bootTimeoutMs)
// Layouts or measurements on the command line (`v1 plane`) select a subset.
const asked = process.argv.slice(2)
const layouts = machines.map(({ layout }) => layout)
const unknown = asked.filter((word) => !(word in checks || layouts.some((layout) => layout === word)))
if (unknown.length > 0) t.bailout(`no layout (${layouts}) or measurement (${Object.keys(checks)}): ${unknown}`)
const found = findPrerequisites()
if (requirement(t, 'a virtual machine', typeof found !== 'string', String(found)) && typeof found !== 'string') {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'numacast-vm-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  // Exits through the exit handlers, which also end the machine.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))
  const initramfs = path.join(directory, 'initramfs.cpio')
  writeInitramfs(initramfs, { repository, ...found })
  const askedMachines = machines.filter(({ layout }) => asked.includes(layout))
  const askedNames = Object.keys(checks).filter((name) => asked.includes(name))
  const names = askedNames.length > 0 ? askedNames : Object.keys(checks)
  for (const machine of askedMachines.length > 0 ? askedMachines : machines) {
    const own = names.filter((name) => measuredOn[name]?.includes(machine.layout) ?? true)
    const boot: BootOptions = { ...found, initramfs, machine, names: own, directory, silenceMs, bootMs }
    await t.test(`cgroup ${machine.layout}`, { timeout: bootTimeoutMs }, (t) => bootAndCheck(t, boot))
  }
}

async function bootAndCheck(t: Test, boot: BootOptions): Promise<void> {
  for (let boots = 1; boots < maxBoots; boots++) {
    const guest = new VirtualMachine(boot)
    if (await checkGuest(t, boot, guest)) return
    t.comment(`the machine has not booted, so it is switched off and on again: ${guest.diagnosis()}`)
  }
  const guest = new VirtualMachine(boot)
  t.ok(await checkGuest(t, boot, guest), `the machine boots: ${guest.diagnosis()}`)
}

/** Returns false if the guest never sent a report. Then nothing was checked. */
async function checkGuest(t: Test, { machine, names }: BootOptions, guest: VirtualMachine): Promise<boolean> {
  const missing = new Set<string>(names)
  const startedAtMs = performance.now()
  t.teardown(() => guest.kill())
  let ended = false
  for await (const report of guest) {
    t.comment(`${report.name}: ${Math.round((performance.now() - startedAtMs) / 1000)} s after power-on`)
    if (report.name === 'end') {
      ended = true
    } else if (report.name === 'failure') {
      missing.delete(report.of)
      t.fail(`${report.of}: could not be measured: ${report.message}`)
    } else {
      missing.delete(report.name)
      await t.test(report.name, async (t) => check(t, machine, report.name, report.value))
    }
  }
  if (!guest.hasReported) return false
  t.same([...missing], [], 'every measurement arrived')
  t.ok(ended, 'the guest finished')
  if (!t.passing()) t.comment(guest.diagnosis())
  return true
}

function check<N extends MeasurementName>(t: Test, machine: Machine, name: N, measured: unknown): void {
  checks[name](t, machine, measured as Measurements[N])
}
