import { loadCollectorParts } from '../roles/collector/collector.js'
import { loadFleetParts } from '../roles/fleet/fleet.js'
import { loadSchedulerParts } from '../roles/scheduler/scheduler.js'
import { loadParticipant } from '../roles/shared/enter-domain.js'
import { loadWorkerParts } from '../roles/worker/worker.js'

/** Loads what the roles load at their first start. It takes real time, so it must come before fake time moves. */
export async function loadRoles(): Promise<void> {
  const parts = [loadCollectorParts, loadFleetParts, loadParticipant, loadSchedulerParts, loadWorkerParts]
  await Promise.all(parts.map((load) => load()))
}
