import { raceSignal } from '../../core/abort.js'
import { closeAll } from '../../core/close-all.js'
import { NumacastError } from '../../core/errors.js'
import type { Logger } from '../../core/reporting/logger.js'
import type { Participant } from '../../pubsub/participant.js'
import type { FleetView } from '../../views/fleet-view.js'

/** A participant that owns nothing and keeps a view of the fleet. */
export interface PlaneClient {
  readonly participant: Participant
  readonly view: FleetView
  close(): Promise<void>
}

/** @param logger gets what goes wrong. @default clientLogger */
export async function openPlaneClient(domain: number, name: string, logger?: Logger): Promise<PlaneClient> {
  const { joinDomain } = await import('../../pubsub/participant.js')
  const { FleetView } = await import('../../views/fleet-view.js')
  const { clientLogger } = await import('./client-logger.js')
  const participant = await joinDomain({ domain, name, logger: logger ?? clientLogger() })
  const view = FleetView.open(participant)
  return {
    participant,
    view,
    async close() {
      await closeAll([() => view.close(), () => participant.close()])
    },
  }
}

/**
 * Waits until the plane's state has arrived, and then for as long as more time may complete it. If the time ends after a
 * collector has answered, what has come so far is used: the document's witness states what is missing.
 * @throws NumacastError NUMACAST_NOT_FOUND when no collector answers before `deadline` aborts; NUMACAST_UNAVAILABLE when one
 *   may be there that cannot answer, because a process of this host that is in the domain is stopped
 */
export async function findPlane({ participant, view }: PlaneClient, deadline: AbortSignal): Promise<void> {
  const { mayComplete } = await import('../../observe/status-caveats.js')
  try {
    await view.synced({ signal: deadline })
    await untilView(view, () => !mayComplete(view.status()), deadline)
  } catch (error) {
    if (!deadline.aborted) throw error
    if (view.status().nodes.length > 0) return
    await refuseStopped(participant)
    throw new NumacastError('NUMACAST_NOT_FOUND', noPlane(participant))
  }
}

/** Refuses with the stopped processes of the domain, if there are any: a plane exists then, or existed. */
async function refuseStopped({ domain }: Participant): Promise<void> {
  const { stoppedParticipants } = await import('./stopped-participants.js')
  const stopped = stoppedParticipants(domain)
  if (stopped.length === 0) return
  const named = stopped.slice(0, 3).map(({ pid, command, why }) => `pid ${pid} (${command}) is ${reasonText[why]}`)
  const more = stopped.length > named.length ? ` and ${stopped.length - named.length} more are held up` : ''
  const pids = stopped.filter(({ why }) => why === 'stopped').map(({ pid }) => pid)
  const remedy =
    pids.length === 0 ? 'try again later, or wait longer with --wait' : `let it go on: \`kill -CONT ${pids.join(' ')}\``
  throw new NumacastError(
    'NUMACAST_UNAVAILABLE',
    `no collector answers in domain ${domain}, but of its processes on this host ${named.join(', ')}${more}: ${remedy}`,
  )
}

const reasonText = {
  stopped: 'stopped',
  'io-wait': 'waiting for a device',
  frozen: 'frozen (its container is paused)',
} as const

/** Names the other participants of a plane without collectors. */
function noPlane(participant: Participant): string {
  const { domain } = participant
  const others = participant.peers().map(({ name, identity }) => `${name} (pid ${identity.pid} on ${identity.host})`)
  if (others.length === 0) {
    return `no plane answers in domain ${domain}: start one with \`numacast up --domain ${domain}\`, name another with --domain, or give a busy machine more time with --wait`
  }
  return `no collector answers in domain ${domain}, though ${others.slice(0, 3).join(' and ')} can be received from: start one with \`numacast collector --domain ${domain}\`, see whether it is stopped, or give a busy machine more time with --wait`
}

/** Resolves once `holds` does: at once, or after a change of the view. Rejects with the signal's reason. */
export async function untilView(view: FleetView, holds: () => boolean, signal: AbortSignal): Promise<void> {
  if (holds()) return
  let changes: { close(): void } | undefined
  const held = new Promise<void>((resolve) => {
    changes = view.onChange(() => {
      if (holds()) resolve()
    })
  })
  try {
    await raceSignal(held, signal)
  } finally {
    changes?.close()
  }
}
