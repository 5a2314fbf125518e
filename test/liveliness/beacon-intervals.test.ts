import t from 'tap'
import { BeaconIntervals } from '../../src/liveliness/beacon-intervals.js'
import { defaultPhiOptions } from '../../src/liveliness/phi-accrual.js'

const learned = ({ phi }: BeaconIntervals): number => Math.round(phi.meanMs)

/** Returns BeaconIntervals whose window holds only intervals of `intervalMs`. */
function settledAt(intervalMs: number): BeaconIntervals {
  const beaconIntervals = new BeaconIntervals({ ...defaultPhiOptions, maxSamples: 10 }, 500)
  for (let n = 0; n <= 10; n++) {
    beaconIntervals.beacon(500, true, n * intervalMs)
    beaconIntervals.confirm()
  }
  return beaconIntervals
}

t.test('intervals are learned once the observer has been in time', (t) => {
  const beaconIntervals = settledAt(600)
  t.equal(learned(beaconIntervals), 600)
  for (let n = 1; n <= 10; n++) beaconIntervals.beacon(500, true, 6000 + n * 700)
  t.equal(learned(beaconIntervals), 600, 'not before')
  beaconIntervals.confirm()
  t.equal(learned(beaconIntervals), 700)
  t.end()
})

t.test('an interval that spans a failure is not learned', (t) => {
  for (const { title, play } of [
    {
      title: 'silence that phi reports as a loss',
      play: (beaconIntervals: BeaconIntervals) => beaconIntervals.beacon(500, true, 6000 + 60_000),
    },
    {
      title: 'a peer that was stalled, or came back',
      play: (beaconIntervals: BeaconIntervals) => beaconIntervals.beacon(500, false, 6000 + 2000),
    },
    {
      title: 'a stall of the observer, with queued datagrams read before it was noticed',
      play: (beaconIntervals: BeaconIntervals) => {
        beaconIntervals.beacon(500, true, 6000 + 3000)
        beaconIntervals.interrupt()
        beaconIntervals.beacon(500, true, 6000 + 3200)
      },
    },
    {
      title: 'several beacons of one round',
      play: (beaconIntervals: BeaconIntervals) => {
        for (const afterMs of [1, 2, 40, 249, 600]) beaconIntervals.beacon(500, true, 6000 + afterMs)
      },
    },
  ]) {
    const beaconIntervals = settledAt(600)
    play(beaconIntervals)
    beaconIntervals.confirm()
    t.equal(learned(beaconIntervals), 600, title)
    beaconIntervals.confirm()
  }
  t.end()
})
