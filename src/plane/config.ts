import { z } from 'zod'
import { defineTopic } from '../pubsub/model/topic.js'
import { count, fewByName, name, note } from './text.js'

/**
 * Standing configuration, by scope: `all`, a node's target (`<boot id>/<node id>`), or a workerId. Unlike an intent it
 * does not expire. It holds while its writer, or a scheduler or collector that relays it, keeps it. It ends when
 * disposed.
 */
const scope = { scope: name, reason: note }

/** Each worker in scope takes at most `maxInFlight` jobs at once. The tightest limit that matches holds. */
export const concurrencyLimit = defineTopic({
  name: 'config.concurrency-limit',
  key: 'scope',
  schema: z.object({ ...scope, maxInFlight: count }),
})

/** Relative weights of queues: advice to the application, which chooses among them. */
export const priorityWeights = defineTopic({
  name: 'config.priority-weights',
  key: 'scope',
  schema: z.object({ ...scope, weights: fewByName(z.number().nonnegative()) }),
})

/** Workers in scope take no new work while it is enabled. */
export const maintenanceMode = defineTopic({
  name: 'config.maintenance-mode',
  key: 'scope',
  schema: z.object({ ...scope, enabled: z.boolean() }),
})

/**
 * How many workers in scope may be out of service at once during a rolling drain. The plane keeps the budget and sends
 * it to late joiners, down to the nodes. Nothing in numacast acts on it: it is there for your own policy to read.
 */
export const rollingDrain = defineTopic({
  name: 'config.rolling-drain',
  key: 'scope',
  schema: z.object({ ...scope, enabled: z.boolean(), maxUnavailable: count }),
})
