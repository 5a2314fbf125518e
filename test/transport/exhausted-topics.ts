import { defineTopic, Lane } from '../../src/pubsub/model/topic.js'

/** One topic per lane, for exhausted.test.ts and its program. */
export const exhaustedTopics = [Lane.datagram, Lane.stream].map((lane) =>
  defineTopic<{ readonly id: string; readonly n: number }>({
    name: `exhausted.${lane}`,
    key: 'id',
    fields: ['id', 'n'],
    lane,
  }),
)
