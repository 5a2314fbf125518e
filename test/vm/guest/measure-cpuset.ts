import { readHeadroom } from '../../../src/topology/cgroup/headroom.js'
import type { CpusetMeasurement } from '../protocol.js'
import type { ControlGroups } from './control-groups.js'
import { allowedLists } from './process-facts.js'
import { Subject } from './subject.js'

/** CPUs of two nodes and memory of two: set at the parent, and left empty at the child if the kernel allows it. */
const restriction = { cpus: '1-2', mems: '1,3' }

export async function measureCpuset(groups: ControlGroups): Promise<CpusetMeasurement> {
  const outer = groups.group('cpuset-outer')
  outer.restrict(restriction)
  const leaf = groups.group('cpuset-outer/leaf')
  const idle = Subject.idle(leaf)
  const subject = Subject.program(leaf, 'allowed-nodes-subject.js')
  try {
    await idle.prints('ready')
    const { cpuset, cpu, warnings } = readHeadroom({ pid: idle.pid })
    await subject.ended()
    return {
      allowed: allowedLists(idle.pid),
      reading: { cpuset, warnings },
      effectiveCpus: cpu.effectiveCpus,
      allowedNodes: JSON.parse(subject.output),
    }
  } finally {
    await Promise.all([subject.kill(), idle.kill()])
    await leaf.remove()
    await outer.remove()
  }
}
