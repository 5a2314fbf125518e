import { concurrencyLimit, maintenanceMode, priorityWeights, rollingDrain } from '../plane/config.js'
import { intentTopics } from '../plane/intents.js'
import { jobLifecycle } from '../plane/job-lifecycle.js'
import { intentStatus } from '../plane/transitions.js'
import type { Participant } from '../pubsub/participant.js'
import type { Topic } from '../pubsub/topic.js'

/** A set of relays from one partition to another, origin writer, seq and age kept. */
export interface Relays {
  close(): void
}

/** What is asked for: every kind of intent and of configuration. */
export function relayRequests(participant: Participant, from: string, to: string): Relays {
  return join([
    relay(participant, intentTopics.drain, from, to),
    relay(participant, intentTopics['pause-node'], from, to),
    relay(participant, intentTopics['throttle-queue'], from, to),
    relay(participant, intentTopics['prefer-shard'], from, to),
    relay(participant, intentTopics.rebalance, from, to),
    relay(participant, concurrencyLimit, from, to),
    relay(participant, priorityWeights, from, to),
    relay(participant, maintenanceMode, from, to),
    relay(participant, rollingDrain, from, to),
  ])
}

/** What workers report and everybody may want to know. */
export function relayReports(participant: Participant, from: string, to: string): Relays {
  return join([relay(participant, intentStatus, from, to), relay(participant, jobLifecycle, from, to)])
}

function relay<T extends object>(participant: Participant, topic: Topic<T>, from: string, to: string): Relays {
  const reader = participant.reader(topic, { partition: from })
  const relay = participant.relay(reader, { partition: to })
  return {
    close() {
      relay.close()
      reader.close()
    },
  }
}

function join(relays: readonly Relays[]): Relays {
  return {
    close() {
      for (const relay of relays) relay.close()
    },
  }
}
