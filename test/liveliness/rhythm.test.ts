import t from 'tap'
import { defaultPhiOptions } from '../../src/liveliness/phi-accrual.js'
import { Rhythm } from '../../src/liveliness/rhythm.js'

const learned = ({ phi }: Rhythm): number => Math.round(phi.meanMs)

/** A rhythm that has learned enough of `intervalMs` to have forgotten what it began with. */
function settledAt(intervalMs: number): Rhythm {
  const rhythm = new Rhythm({ ...defaultPhiOptions, maxSamples: 10 }, 500)
  for (let n = 0; n <= 10; n++) {
    rhythm.beacon(500, true, n * intervalMs)
    rhythm.settle()
  }
  return rhythm
}

t.test('intervals are learned once the observer has found itself in time', (t) => {
  const rhythm = settledAt(600)
  t.equal(learned(rhythm), 600)
  for (let n = 1; n <= 10; n++) rhythm.beacon(500, true, 6000 + n * 700)
  t.equal(learned(rhythm), 600, 'not before')
  rhythm.settle()
  t.equal(learned(rhythm), 700)
  t.end()
})

t.test('one that spans a failure is not learned', (t) => {
  for (const { title, play } of [
    {
      title: 'silence that phi calls a loss',
      play: (rhythm: Rhythm) => rhythm.beacon(500, true, 6000 + 60_000),
    },
    {
      title: 'a peer that was stalled, or came back',
      play: (rhythm: Rhythm) => rhythm.beacon(500, false, 6000 + 2000),
    },
    {
      title: 'a stall of the observer, with what waited in the socket read before it was noticed',
      play: (rhythm: Rhythm) => {
        rhythm.beacon(500, true, 6000 + 3000)
        rhythm.interrupt()
        rhythm.beacon(500, true, 6000 + 3200)
      },
    },
    {
      title: 'several beacons of one round',
      play: (rhythm: Rhythm) => {
        for (const afterMs of [1, 2, 40, 249, 600]) rhythm.beacon(500, true, 6000 + afterMs)
      },
    },
  ]) {
    const rhythm = settledAt(600)
    play(rhythm)
    rhythm.settle()
    t.equal(learned(rhythm), 600, title)
    rhythm.settle()
  }
  t.end()
})
