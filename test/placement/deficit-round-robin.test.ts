import fc from 'fast-check'
import t from 'tap'
import { DeficitRoundRobin } from '../../src/placement/queue/deficit-round-robin.js'
import {
  bandCount,
  bandOf,
  bandWeightsFrom,
  costUnit,
  defaultBandWeights,
  resolveBandWeights,
} from '../../src/placement/queue/priority-bands.js'
import { maxRequestCost } from '../../src/placement/queue/request-queue-options.js'

const weights: fc.Arbitrary<readonly number[]> = fc.array(fc.integer({ min: 1, max: 300 }), {
  minLength: bandCount,
  maxLength: bandCount,
})
const cost = fc.integer({ min: 1, max: maxRequestCost }).map((cost) => cost * costUnit)

/** Bands that never run out of requests. Each cycles through its own costs. */
function backlogged(costs: readonly (readonly number[])[]) {
  const places = costs.map(() => 0)
  const bands = costs.map((own, band) => ({ headCost: () => own[(places[band] ?? 0) % own.length] }))
  const serve = (band: number): number => {
    const cost = bands[band]?.headCost() ?? 0
    places[band] = (places[band] ?? 0) + 1
    return cost
  }
  return { bands, serve }
}

t.test('the service of two backlogged bands, divided by weight, differs at most by the bound', (t) => {
  const drawn = fc.record({
    weights: fc.oneof(weights, fc.constant(defaultBandWeights)),
    costs: fc.array(fc.array(cost, { minLength: 1, maxLength: 5 }), { minLength: bandCount, maxLength: bandCount }),
  })
  fc.assert(
    fc.property(drawn, ({ weights, costs }) => {
      const turns = new DeficitRoundRobin(weights)
      const { bands, serve } = backlogged(costs)
      const maxCosts = costs.map((own) => Math.max(...own))
      const served = weights.map(() => 0)
      /** The service of each band, divided by its weight, at each moment. */
      const history: number[][] = [weights.map(() => 0)]
      for (let step = 0; step < 400; step++) {
        const band = turns.next(bands)
        if (band === undefined) throw new Error('every band has requests')
        const cost = serve(band)
        turns.spend(cost)
        served[band] = (served[band] ?? 0) + cost
        history.push(served.map((amount, band) => amount / (weights[band] ?? 1)))
      }
      for (let a = 0; a < bandCount; a++) {
        for (let b = 0; b < a; b++) {
          const bound = 1 + (maxCosts[a] ?? 0) / (weights[a] ?? 1) + (maxCosts[b] ?? 0) / (weights[b] ?? 1)
          // Over every interval: the largest rise minus the largest fall of the difference.
          const differences = history.map((shares) => (shares[a] ?? 0) - (shares[b] ?? 0))
          const spread = Math.max(...differences) - Math.min(...differences)
          if (spread > bound + 1e-9) throw new Error(`bands ${a} and ${b}: ${spread} is over ${bound}`)
        }
      }
    }),
    { numRuns: 60 },
  )
  t.end()
})

t.test('a backlogged band is served before the others exceed its deficit bound', (t) => {
  fc.assert(
    fc.property(weights, fc.array(cost, { minLength: bandCount, maxLength: bandCount }), (weights, costs) => {
      const turns = new DeficitRoundRobin(weights)
      const { bands, serve } = backlogged(costs.map((cost) => [cost]))
      for (let low = 0; low < bandCount; low++) {
        // The band saves for at most this many rounds. In each, the others spend their weight and their savings.
        const rounds = Math.ceil((costs[low] ?? 0) / (weights[low] ?? 1)) + 1
        let bound = 0
        for (let other = 0; other < bandCount; other++) {
          if (other !== low) bound += rounds * (weights[other] ?? 0) + (costs[other] ?? 0)
        }
        let others = 0
        for (;;) {
          const band = turns.next(bands) ?? 0
          const cost = serve(band)
          turns.spend(cost)
          if (band === low) break
          others += cost
          if (others > bound) throw new Error(`band ${low} waits: the others were served ${others}, bound ${bound}`)
        }
      }
    }),
    { numRuns: 100 },
  )
  t.end()
})

t.test('a round with the default weights serves 8, 7, … 1 requests of cost 1', (t) => {
  const turns = new DeficitRoundRobin(defaultBandWeights)
  const { bands, serve } = backlogged(defaultBandWeights.map(() => [costUnit]))
  const served = defaultBandWeights.map(() => 0)
  for (let step = 0; step < 36 * 3; step++) {
    const band = turns.next(bands) ?? 0
    turns.spend(serve(band))
    served[band] = (served[band] ?? 0) + 1
  }
  t.strictSame(served, [24, 21, 18, 15, 12, 9, 6, 3])
  t.end()
})

t.test('a band without requests saves nothing', (t) => {
  const turns = new DeficitRoundRobin([64, 64])
  let has = false
  const bands = [{ headCost: () => 32 }, { headCost: () => (has ? 64 : undefined) }]
  for (let step = 0; step < 100; step++) {
    t.equal(turns.next(bands), 0)
    turns.spend(32)
  }
  has = true
  const order: (number | undefined)[] = []
  for (let step = 0; step < 6; step++) {
    const band = turns.next(bands)
    order.push(band)
    turns.spend(bands[band ?? 0]?.headCost() ?? 0)
  }
  t.strictSame(order, [1, 0, 0, 1, 0, 0])
  t.equal(turns.next([{ headCost: () => undefined }, { headCost: () => undefined }]), undefined)

  // One request of a turn that allows eight. The band has no claim to the other seven later.
  const fresh = new DeficitRoundRobin([256, 32])
  let left = 1
  const emptied = [{ headCost: () => (left > 0 ? 32 : undefined) }, { headCost: () => 32 }]
  const take = (): number | undefined => {
    const band = fresh.next(emptied)
    fresh.spend(32)
    if (band === 0) left--
    return band
  }
  t.equal(take(), 0)
  t.equal(take(), 1)
  left = 100
  t.strictSame(Array.from({ length: 10 }, take), [...new Array(8).fill(0), 1, 0])
  t.end()
})

t.test('invalid bands and weights are refused', (t) => {
  t.strictSame([0, 31, 32, 127, 128, 223, 224, 255].map(bandOf), [0, 0, 1, 3, 4, 6, 7, 7])
  t.strictSame(bandWeightsFrom({ 'band-7': 64, media: 3 }), [256, 224, 192, 160, 128, 96, 64, 64])
  for (const bad of [[1], new Array(8).fill(0), new Array(8).fill(Number.NaN)]) {
    t.throws(() => resolveBandWeights(bad), { code: 'NUMACAST_INVALID_ARGUMENT' })
  }
  t.end()
})
