// Runs inside the guest, started by init.sh: runs every measurement in sequence and prints each as a line.
import { writeSync } from 'node:fs'
import type { CgroupLayout } from '../machine.js'
import type { MeasurementName, Measurements, Report } from '../protocol.js'
import { ControlGroups } from './control-groups.js'
import { measureCpu } from './measure-cpu.js'
import { measureCpuset } from './measure-cpuset.js'
import { measureExit } from './measure-exit.js'
import { measureMemory } from './measure-memory.js'
import { measureMigration } from './measure-migration.js'
import { measureOutOfMemory } from './measure-out-of-memory.js'
import { measurePlacement } from './measure-placement.js'
import { measurePlane } from './measure-plane.js'
import { measurePressure } from './measure-pressure.js'
import { measureOfflineCpu, measureTopology } from './measure-topology.js'
import { measureWallClock } from './measure-wall-clock.js'

const layout = process.argv[2] as CgroupLayout
const wanted = process.argv[3]?.split(',') ?? []
const groups = ControlGroups.mount(layout)

const measuring: { readonly [N in MeasurementName]: () => Measurements[N] | Promise<Measurements[N]> } = {
  topology: measureTopology,
  'offline CPU': measureOfflineCpu,
  'CPU headroom': () => measureCpu(groups),
  'memory headroom': () => measureMemory(groups),
  cpuset: () => measureCpuset(groups),
  placement: () => measurePlacement(groups),
  migration: () => measureMigration(groups),
  pressure: () => measurePressure(groups),
  'process exit': measureExit,
  plane: measurePlane,
  'out of memory': () => measureOutOfMemory(groups),
  'wall clock': measureWallClock,
}

for (const [name, measure] of Object.entries(measuring)) {
  if (!wanted.includes(name.replaceAll(' ', '-'))) continue
  try {
    send({ name, value: await measure() } as Report)
  } catch (error) {
    send({
      name: 'failure',
      of: name,
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
  }
}
send({ name: 'end' })

function send(report: Report): void {
  writeSync(1, `${JSON.stringify(report)}\n`)
}
