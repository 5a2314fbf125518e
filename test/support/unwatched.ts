// Opens every kind of watch and closes none: the process must still end by itself.
import { watchCgroupEvents } from '../../src/topology/cgroup/cgroup-events-watch.js'
import { watchPressure } from '../../src/topology/cgroup/pressure-watch.js'
import { watchProcess } from '../../src/topology/process/process-watch.js'

const watches = [
  watchProcess({ pid: process.ppid }, () => {}),
  watchPressure({ resource: 'memory', kind: 'some', stallUs: 1_000_000, windowUs: 2_000_000 }, () => {}),
  watchCgroupEvents({ file: 'cgroup.events' }, () => {}),
]
if (process.argv[2] === 'close') {
  for (const watch of watches) {
    watch.ref()
    watch.close()
  }
}
process.stdout.write(watches.map(({ status }) => status.state).join(' '))
