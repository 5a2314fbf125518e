import { lazySchema } from '../../core/lazy-schema.js'
import { defineTopic } from '../../pubsub/model/topic.js'
import { count, name, note, weights } from '../vocabulary/text.js'

/**
 * Standing configuration, by scope: `all`, a node's target (`<boot id>/<node id>`), or a workerId. Unlike an intent it
 * does not expire. It holds while its writer, or a scheduler or collector that relays it, keeps it. It ends when
 * disposed.
 */
const scope = lazySchema((z) => z.object({ scope: name(), reason: note() }))

/** Each worker in scope takes at most `maxInFlight` jobs at once. The tightest limit that matches holds. */
export const concurrencyLimit = defineTopic({
  name: 'config.concurrency-limit',
  key: 'scope',
  schema: lazySchema(() => scope().extend({ maxInFlight: count() })),
})

/** Relative weights of queues: advice to the application, which chooses among them. */
export const priorityWeights = defineTopic({
  name: 'config.priority-weights',
  key: 'scope',
  schema: lazySchema(() => scope().extend({ weights: weights() })),
})

/** Workers in scope take no new work while it is enabled. */
export const maintenanceMode = defineTopic({
  name: 'config.maintenance-mode',
  key: 'scope',
  schema: lazySchema((z) => scope().extend({ enabled: z.boolean() })),
})

/**
 * How many workers in scope may be out of service at once during a rolling drain. The plane keeps the budget and sends
 * it to late joiners, down to the nodes. Nothing in numacast acts on it: it is there for your own policy to read.
 */
export const rollingDrain = defineTopic({
  name: 'config.rolling-drain',
  key: 'scope',
  schema: lazySchema((z) => scope().extend({ enabled: z.boolean(), maxUnavailable: count() })),
})
