import { RepeatingTimer } from '../../core/repeating-timer.js'
import { concurrencyLimit, maintenanceMode, priorityWeights, rollingDrain } from '../../plane/config.js'
import { arbiterMemoryMs } from '../../plane/intent-arbiter.js'
import { type IntentKind, intentKinds, intentTopics } from '../../plane/intents.js'
import { jobLifecycle } from '../../plane/job-lifecycle.js'
import { intentStatus } from '../../plane/transitions.js'
import type { Sample } from '../../pubsub/model/sample.js'
import type { Topic } from '../../pubsub/model/topic.js'
import type { Participant } from '../../pubsub/participant.js'

/** Relays from one partition to another: owner, number and age of what they pass on are kept. */
export interface Relays {
  close(): void
}

const forgetEveryMs = 60_000

/** What is asked for: every kind of intent and of configuration. */
export function relayRequests(participant: Participant, from: string, to: string): Relays {
  return join([
    ...intentKinds.map((kind) => relayIntents(participant, kind, from, to)),
    relay(participant, concurrencyLimit, from, to),
    relay(participant, priorityWeights, from, to),
    relay(participant, maintenanceMode, from, to),
    relay(participant, rollingDrain, from, to),
  ])
}

/** Whom something asked for is meant for, as one NUMA node sees it. */
export interface RelayTarget {
  /** Whether an intent of the kind with this target bears on the node or its workers. */
  intent(kind: IntentKind, target: string): boolean
  /** The same of a configuration's scope. */
  scope(scope: string): boolean
}

/**
 * Keeps in a partition what bears on one node, so that late joiners learn of it when the issuer and every scheduler
 * are gone: what workers obey can be looked up as long as somebody serves them.
 */
export function keepRequests(participant: Participant, partition: string, audience: RelayTarget): Relays {
  const scoped = ({ value }: Sample<{ scope: string }>): boolean => value === undefined || audience.scope(value.scope)
  return join([
    ...intentKinds.map((kind) => {
      return relayIntents(participant, kind, partition, partition, (target) => audience.intent(kind, target))
    }),
    relay(participant, concurrencyLimit, partition, partition, scoped),
    relay(participant, priorityWeights, partition, partition, scoped),
    relay(participant, maintenanceMode, partition, partition, scoped),
    relay(participant, rollingDrain, partition, partition, scoped),
  ])
}

/** What workers report and everybody may want to know. */
export function relayReports(participant: Participant, from: string, to: string): Relays {
  return join([relay(participant, intentStatus, from, to), relay(participant, jobLifecycle, from, to)])
}

function relay<T extends object>(
  participant: Participant,
  topic: Topic<T>,
  from: string,
  to: string,
  filter: (sample: Sample<T>) => boolean = () => true,
): Relays {
  const reader = participant.reader(topic, { partition: from })
  const relay = participant.relay(reader, { partition: to, filter })
  return join([relay, reader])
}

/** A relay remembers what it passed on; of an intent, for no longer than anybody's book does. */
function relayIntents<K extends IntentKind>(
  participant: Participant,
  kind: K,
  from: string,
  to: string,
  concerns: (target: string) => boolean = () => true,
): Relays {
  const reader = participant.reader(intentTopics[kind], { partition: from })
  const relay = participant.relay(reader, { partition: to, filter: ({ key }) => concerns(key) })
  const forgetting = new RepeatingTimer(participant.clock, forgetEveryMs, () => {
    const endedBeforeMs = participant.clock.nowMs() - arbiterMemoryMs
    for (const key of [...relay.writer.keys()]) {
      // Its owner's time, not the reader's copy: the reader forgets sooner what has no writer left.
      const change = relay.writer.cache.latest(key)
      const intent = relay.writer.get(key)
      if (change === undefined || intent === undefined) continue
      if (change.writtenMs + intent.ttlMs < endedBeforeMs) relay.forget(key)
    }
  })
  return join([forgetting, relay, reader])
}

function join(parts: readonly Relays[]): Relays {
  return {
    close() {
      for (const part of parts) part.close()
    },
  }
}
