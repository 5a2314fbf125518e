import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { OutOfMemoryMeasurement } from '../protocol.js'
import type { ControlGroup, ControlGroups } from './control-groups.js'
import { SmallPlane } from './small-plane.js'
import { Subject } from './subject.js'
import { until } from './until.js'

const program = fileURLToPath(new URL('./worker-subject.js', import.meta.url))
const domain = 41
const limitBytes = 384 * 1024 * 1024

/** Ends workers by SIGKILL, from the OOM killer or from the test. Records what the scheduler receives of each. */
export async function measureOutOfMemory(groups: ControlGroups): Promise<readonly OutOfMemoryMeasurement[]> {
  const limited = groups.group('oom-limited')
  const roomy = groups.group('oom-roomy')
  limited.limitMemory(limitBytes)
  const plane = await SmallPlane.start(domain)
  try {
    const [hoarder, neighbour] = [startWorker(plane, limited, 'hoarder'), startWorker(plane, limited, 'neighbour')]
    const [unlucky, bystander] = [startWorker(plane, roomy, 'unlucky'), startWorker(plane, roomy, 'bystander')]
    await plane.seesAlive(['hoarder', 'neighbour', 'unlucky', 'bystander'])
    return [
      await ended(plane, 'reaches the limit of its cgroup', hoarder, (pid) => process.kill(pid, 'SIGUSR2')),
      await ended(plane, 'is killed by hand in the same cgroup, afterwards', neighbour, (pid) => process.kill(pid, 9)),
      await ended(plane, 'is chosen when the machine is out of memory', unlucky, (pid) => {
        writeFileSync(`/proc/${pid}/oom_score_adj`, '1000')
        // Calls the OOM killer as if no memory were left anywhere (admin-guide/sysrq.rst).
        writeFileSync('/proc/sysrq-trigger', 'f')
      }),
      await ended(plane, 'is killed by hand where no limit is', bystander, (pid) => process.kill(pid, 9)),
    ]
  } finally {
    await plane.close()
    for (const group of [limited, roomy]) await group.remove()
  }
}

/** Its parent never waits for its exit code: this kernel reports it to others only until the parent reads it. */
function startWorker(plane: SmallPlane, group: ControlGroup, workerId: string): string {
  const command = `node ${program} ${domain} ${workerId} & exec sleep 1000`
  plane.keep(new Subject(group, 'sh', '-c', command))
  return workerId
}

async function ended(
  plane: SmallPlane,
  title: string,
  workerId: string,
  end: (pid: number) => void,
): Promise<OutOfMemoryMeasurement> {
  const pid = plane.status().workers.find((worker) => worker.workerId === workerId)?.pid
  if (pid === undefined) throw new Error(`${workerId} is unknown`)
  const killsBefore = oomKills()
  end(pid)
  const sightings = () => plane.sightings.filter((sighting) => sighting.workerId === workerId)
  await until(`${workerId} dead`, () => sightings().at(-1)?.liveliness === 'dead')
  return { title, workerId, sightings: sightings(), oomKills: oomKills() - killsBefore }
}

/** OOM kills on the whole machine. */
function oomKills(): number {
  return Number(/^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'))?.[1])
}
