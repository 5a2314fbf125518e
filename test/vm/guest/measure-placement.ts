import type { PlacementMeasurement } from '../protocol.js'
import type { ControlGroups } from './control-groups.js'
import { Subject } from './subject.js'

/** Runs in its own process and group, because it does not reset its policies. */
export async function measurePlacement(groups: ControlGroups): Promise<PlacementMeasurement> {
  const group = groups.group('placement')
  const subject = Subject.program(group, 'placement-subject.js')
  const end = await subject.ended()
  await group.remove()
  if (end !== 'exit code 0') throw new Error(`placement-subject: ${end}`)
  return JSON.parse(subject.output)
}
