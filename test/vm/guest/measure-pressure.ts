import { readFileSync } from 'node:fs'
import { type PressureEvent, watchPressure } from '../../../src/topology/cgroup/pressure-watch.js'
import type { PressureMeasurement } from '../protocol.js'
import type { ControlGroups } from './control-groups.js'
import { Subject } from './subject.js'

const stallUs = 100_000
const windowUs = 1_000_000
const giveUpAfterMs = 30_000

/** Three busy loops on one CPU: two of them wait at any time. */
export async function measurePressure(groups: ControlGroups): Promise<readonly PressureMeasurement[]> {
  const measured = [await measureScope(groups, 'system')]
  if (groups.isV2('cpu')) measured.push(await measureScope(groups, 'group'))
  return measured
}

async function measureScope(groups: ControlGroups, scope: 'system' | 'group'): Promise<PressureMeasurement> {
  const group = groups.group('pressure')
  const directory = group.directories.cpu
  const file = scope === 'system' ? '/proc/pressure/cpu' : `${directory}/cpu.pressure`
  const totalBefore = someTotalUs(file)
  let status = ''
  const event = await new Promise<PressureEvent | null>((resolve) => {
    const watch = watchPressure(
      { resource: 'cpu', kind: 'some', stallUs, windowUs, scope: scope === 'system' ? scope : { directory } },
      (event) => settle(event),
    )
    status = JSON.stringify(watch.status)
    const burners = Array.from(
      { length: 3 },
      () => new Subject(group, 'taskset', '2', 'sh', '-c', 'while :; do :; done'),
    )
    const patience = setTimeout(() => settle(null), giveUpAfterMs)
    function settle(event: PressureEvent | null): void {
      clearTimeout(patience)
      watch.close()
      void Promise.all(burners.map((burner) => burner.kill())).then(() => resolve(event))
    }
  })
  const totalAfter = someTotalUs(file)
  await group.remove()
  return {
    scope,
    status,
    stallUs,
    stalledUs: event?.stalledUs ?? null,
    totalUs: event?.totalUs ?? null,
    totalBefore,
    totalAfter,
  }
}

function someTotalUs(file: string): number {
  return Number(/^some .*total=(\d+)/m.exec(readFileSync(file, 'utf8'))?.[1])
}
