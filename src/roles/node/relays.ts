import { closeEach } from '../../core/close-all.js'
import { RepeatingTimer } from '../../core/time/repeating-timer.js'
import { concurrencyLimit, maintenanceMode, priorityWeights, rollingDrain } from '../../plane/intents/config.js'
import { arbiterMemoryMs } from '../../plane/intents/intent-arbiter.js'
import { type IntentKind, intentKinds, intentTopics, targetOfKey } from '../../plane/intents/intents.js'
import { intentStatus } from '../../plane/intents/transitions.js'
import { jobLifecycle } from '../../plane/worker/job-lifecycle.js'
import type { Sample } from '../../pubsub/model/sample.js'
import type { Topic } from '../../pubsub/model/topic.js'
import type { Participant } from '../../pubsub/participant.js'
import { forgettable, type KeptIntent } from './kept-intents.js'

/** Relays from one partition to another. They keep owner, number and age of what they pass on. */
export interface Relays {
  close(): void
}

const forgetEveryMs = 60_000

/** Relays requests: every kind of intent and of configuration. */
export function relayRequests(participant: Participant, from: string, to: string): Relays {
  return joinRelays([
    ...intentKinds.map((kind) => relayIntents(participant, kind, from, to)),
    relay(participant, concurrencyLimit, from, to),
    relay(participant, priorityWeights, from, to),
    relay(participant, maintenanceMode, from, to),
    relay(participant, rollingDrain, from, to),
  ])
}

/** Decides which requests concern one NUMA node. */
export interface RelayTarget {
  /** Whether an intent of the kind with this target concerns the node or its workers. */
  intent(kind: IntentKind, target: string): boolean
  /** Whether a configuration of this scope does. */
  scope(scope: string): boolean
}

/**
 * Keeps the requests that concern one node in a partition. A late joiner then finds the intents of the node's workers
 * while a process serves them, even if the issuer and every scheduler are gone.
 */
export function keepRequests(participant: Participant, partition: string, audience: RelayTarget): Relays {
  const scoped = ({ value }: Sample<{ scope: string }>): boolean => value === undefined || audience.scope(value.scope)
  return joinRelays([
    ...intentKinds.map((kind) => {
      return relayIntents(participant, kind, partition, partition, (target) => audience.intent(kind, target))
    }),
    relay(participant, concurrencyLimit, partition, partition, scoped),
    relay(participant, priorityWeights, partition, partition, scoped),
    relay(participant, maintenanceMode, partition, partition, scoped),
    relay(participant, rollingDrain, partition, partition, scoped),
  ])
}

/** Relays the reports of workers on intents and jobs. */
export function relayReports(participant: Participant, from: string, to: string): Relays {
  return joinRelays([relay(participant, intentStatus, from, to), relay(participant, jobLifecycle, from, to)])
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
  return joinRelays([relay, reader])
}

/**
 * A relay keeps what it passed on. It keeps an intent no longer than an arbiter remembers it: an ended intent stays for as
 * long as an older one of another issuer, which would hold again for late joiners, could live.
 */
function relayIntents<K extends IntentKind>(
  participant: Participant,
  kind: K,
  from: string,
  to: string,
  concerns: (target: string) => boolean = () => true,
): Relays {
  const reader = participant.reader(intentTopics[kind], { partition: from })
  const relay = participant.relay(reader, { partition: to, filter: ({ key }) => concerns(targetOfKey(key)) })
  const forgetting = new RepeatingTimer(participant.clock, forgetEveryMs, () => {
    const endedBeforeMs = participant.clock.nowMs() - arbiterMemoryMs
    const kept: KeptIntent[] = []
    for (const key of relay.writer.keys()) {
      // By the owner's time, not by the reader's copy: the reader removes an instance without writers earlier.
      const change = relay.writer.cache.latest(key)
      const intent = relay.writer.get(key)
      if (change === undefined || intent === undefined) continue
      const { writtenMs } = change
      kept.push({ key, target: intent.target, epoch: intent.epoch, writtenMs, endsMs: writtenMs + intent.ttlMs })
    }
    for (const key of forgettable(kept, endedBeforeMs)) relay.endInstance(key)
  })
  return joinRelays([forgetting, relay, reader])
}

/** Returns relays that close together. */
export function joinRelays(parts: readonly Relays[]): Relays {
  return { close: () => closeEach(parts.map((part) => () => part.close())) }
}
