import { planePartition } from '../../plane/vocabulary/partitions.js'
import type { Participant } from '../../pubsub/participant.js'
import { FleetView } from '../../views/fleet-view.js'
import { defaultCollectorOptions } from '../collector/collector-options.js'
import { IntentIssuer, type IssuedIntent } from '../intents/intent-issuer.js'
import { HostService, type HostServiceComponents } from '../node/host-service.js'
import { type Relays, relayRequests } from '../node/relays.js'
import { LazyPlacements } from '../placement/lazy-placements.js'
import { Decider } from './decider.js'
import { LedgerPublisher } from './ledger-publisher.js'
import { PlaneOutlet } from './plane-outlet.js'
import type { ResolvedSchedulerOptions } from './scheduler-options.js'
import { StatePublisher } from './state-publisher.js'

export interface SchedulerParts {
  readonly view: FleetView
  readonly issuer: IntentIssuer
  readonly decider: Decider<IssuedIntent>
  readonly state: StatePublisher
  readonly ledger: LedgerPublisher
  /** Keeps the intents of operators and of other schedulers. */
  readonly relays: Relays
  readonly host: HostService
  readonly placements: LazyPlacements
}

/** Makes what a scheduler consists of. A module of its own, so that importing `Scheduler` does not load it. */
export function openSchedulerParts(
  participant: Participant,
  options: ResolvedSchedulerOptions,
  components: HostServiceComponents,
): SchedulerParts {
  const { adopts, name, unreachableDeadAfterMs } = options
  const view = FleetView.open(participant, { unreachableDeadAfterMs })
  const issuer = new IntentIssuer(view, { issuer: name, assertive: false })
  return {
    view,
    issuer,
    decider: new Decider({ view, outlet: new PlaneOutlet(issuer) }, options),
    state: new StatePublisher(participant, options),
    ledger: new LedgerPublisher(participant, view, options),
    relays: relayRequests(participant, planePartition, planePartition),
    host: new HostService(participant, { ...defaultCollectorOptions, own: null, adopts }, components),
    placements: new LazyPlacements(view),
  }
}
