import { defineTopic } from 'numacast'

export interface Reading {
  readonly sensor: string
  readonly value: number
  /** Who took it. */
  readonly by: string
}

/** One writer at a time owns a sensor: of those that live, the strongest. Each promises a reading twice a second. */
export const reading = defineTopic<Reading>({
  name: 'reading',
  key: 'sensor',
  fields: ['sensor', 'value', 'by'],
  qos: { ownership: 'exclusive', deadlineMs: 500 },
})
