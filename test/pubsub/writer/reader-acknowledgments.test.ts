import t from 'tap'
import type { EntityGuid } from '../../../src/core/ids.js'
import { ReaderAcknowledgments } from '../../../src/pubsub/writer/reader-acknowledgments.js'

t.test('tracks what every reliable reader has, and which readers are silent', (t) => {
  const changes: string[] = []
  let progress = 0
  const audience = new ReaderAcknowledgments({
    onChange: (reader, isMatched) => changes.push(`${isMatched ? '+' : '-'}${reader}`),
    onProgress: () => progress++,
  })
  const [a, b, careless] = ['a', 'b', 'c'] as EntityGuid[] as [EntityGuid, EntityGuid, EntityGuid]
  t.equal(audience.acknowledgedSeq(), Number.POSITIVE_INFINITY)
  audience.join(careless, false, 0, 0)
  t.equal(audience.acknowledgedSeq(), Number.POSITIVE_INFINITY, 'best effort acknowledges nothing')
  audience.join(a, true, 0, 0)
  audience.join(b, true, 4, 0)
  audience.join(b, true, 9, 0)
  t.equal(audience.acknowledgedSeq(), 0, 'a present reader does not join again')
  audience.acknowledged(a, 7, 10)
  t.equal(audience.acknowledgedSeq(), 4)
  audience.acknowledged(a, 3, 11)
  audience.acknowledged('unknown' as EntityGuid, 3, 11)
  t.equal(progress, 1, 'an acknowledgment never goes back')
  t.same(audience.silent(7, 12), [b])
  t.same(audience.silent(8, 12), [a, b])
  t.same(audience.silent(8, 11), [b], 'a reader that reported meanwhile is not silent')
  audience.leave(b)
  audience.leave(b)
  t.equal(audience.acknowledgedSeq(), 7)
  t.same([audience.size, audience.totalCount, progress], [2, 3, 2])
  t.same(changes, ['+c', '+a', '+b', '-b'])
  t.end()
})
