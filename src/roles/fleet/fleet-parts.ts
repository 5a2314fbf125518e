import type { Participant } from '../../pubsub/participant.js'
import { FleetView } from '../../views/fleet-view.js'
import { JobLedgerFeed } from '../../views/job-ledger-feed.js'
import { IntentIssuer } from '../intents/intent-issuer.js'
import { LazyPlacements } from '../placement/lazy-placements.js'
import type { ResolvedFleetOptions } from './fleet-options.js'

export interface FleetParts {
  readonly view: FleetView
  readonly intents: IntentIssuer
  readonly jobs: JobLedgerFeed
  readonly placements: LazyPlacements
}

/** Makes what a `Fleet` consists of. A module of its own, so that importing `openFleet` does not load it. */
export function openFleetParts(participant: Participant, options: ResolvedFleetOptions): FleetParts {
  const view = FleetView.open(participant, options)
  return {
    view,
    intents: new IntentIssuer(view, { issuer: options.issuer }),
    jobs: new JobLedgerFeed(participant, view, options.ledger),
    placements: new LazyPlacements(view),
  }
}
