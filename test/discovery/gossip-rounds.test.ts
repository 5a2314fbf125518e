import t from 'tap'
import { seededRandom } from '../../src/core/random.js'
import { GossipRounds } from '../../src/discovery/gossip-rounds.js'

t.test('a round picks a few peers at random, less and less often, sooner after a change', (t) => {
  const rounds = new GossipRounds(() => 0.5)
  const gaps: number[] = []
  let lastMs = 0
  for (let nowMs = 0; nowMs < 300_000; nowMs += 1_000) {
    if (rounds.take(['a'], nowMs).length === 0) continue
    gaps.push(nowMs - lastMs)
    lastMs = nowMs
  }
  t.same(gaps, [0, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])
  rounds.makeDue(lastMs)
  t.same(rounds.take(['a'], lastMs + 1_999), [])
  t.same(rounds.take([], lastMs + 2_000), [], 'a round without peers does not count')
  t.same(rounds.take(['a'], lastMs + 2_000), ['a'])
  t.end()
})

t.test('every peer gets a turn', (t) => {
  const rounds = new GossipRounds(seededRandom(3))
  const peers = Array.from({ length: 20 }, (_, n) => n)
  const asked = new Set<number>()
  for (let nowMs = 0; nowMs < 10_000_000; nowMs += 100_000) {
    const chosen = rounds.take(peers, nowMs)
    t.equal(new Set(chosen).size, 3)
    for (const one of chosen) asked.add(one)
  }
  t.equal(asked.size, 20)
  t.end()
})
