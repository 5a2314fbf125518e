import { defineTopic } from 'numacast/pubsub'

export interface Reading {
  readonly sensor: string
  readonly value: number
  /** Name of the gauge. */
  readonly by: string
}

/** One writer at a time owns a sensor: the strongest that is alive. Each promises a reading twice per second. */
export const reading = defineTopic<Reading>({
  name: 'reading',
  key: 'sensor',
  fields: ['sensor', 'value', 'by'],
  qos: { ownership: 'exclusive', deadlineMs: 500 },
})
