import t from 'tap'
import { forgettable, type KeptIntent } from '../../../src/roles/node/kept-intents.js'

function kept(key: string, epoch: number, writtenMs: number, endsMs: number, target = 'w'): KeptIntent {
  return { key, target, epoch, writtenMs, endsMs }
}

t.test('an ended intent is kept while an older one that lost to it could live', (t) => {
  const long = kept('long', 1, 0, 1_000)
  const short = kept('short', 2, 10, 20)
  t.strictSame(forgettable([long, short], 500), [])
  t.strictSame(forgettable([long, short], 1_001), ['long', 'short'])
  t.strictSame(forgettable([long, { ...short, target: 'v' }], 500), ['short'], 'another target')
  t.strictSame(forgettable([{ ...long, epoch: 3 }, short], 500), ['short'], 'it did not win')
  t.strictSame(forgettable([{ ...long, writtenMs: 30 }, short], 500), ['short'], 'written after it had ended')
  t.end()
})

t.test('of several intents that one lost to, only the highest is kept', (t) => {
  const long = kept('long', 1, 0, 1_000)
  const many = Array.from({ length: 9 }, (_, index) => kept(`i${index}`, 2 + index, 10 + index, 100))
  t.strictSame(
    forgettable([long, ...many], 500),
    many.slice(0, -1).map(({ key }) => key),
  )
  const holding = kept('holding', 99, 50, 2_000)
  t.strictSame(
    forgettable([long, ...many, holding], 500),
    many.map(({ key }) => key),
  )
  t.end()
})
