import t from 'tap'
import {
  type Allocation,
  allocationPresets,
  kubernetesBalancedAllocation,
  kubernetesLeastAllocated,
  kubernetesMostAllocated,
  nomadBinpack,
  nomadSpread,
} from '../../src/placement/score/allocation.js'
import { closenessOf, numaFit, roomLeft } from '../../src/placement/score/numa-fit.js'
import { defaultScoreWeights, resolveScoreWeights, scoreTerms } from '../../src/placement/score/terms.js'

const of = (used: number, capacity: number): Allocation => ({ used, capacity })

t.test('LeastAllocated and MostAllocated agree with kube-scheduler’s own worked examples', (t) => {
  // kube-scheduler, pkg/scheduler/framework/plugins/noderesources/least_allocated_test.go, scores over 100.
  // "nothing scheduled, resources requested, differently sized nodes": (4000 − 3000)/4000 and (10000 − 5000)/10000.
  t.equal(Math.floor(kubernetesLeastAllocated(of(3_000, 4_000), of(5_000, 10_000)) * 100), 37)
  t.equal(kubernetesLeastAllocated(of(3_000, 6_000), of(5_000, 10_000)) * 100, 50)
  // "nothing scheduled, nothing requested".
  t.equal(kubernetesLeastAllocated(of(0, 4_000), of(0, 10_000)), 1)
  // "requested resources exceed node capacity": CPU counts 0, memory (10000 − 5000)/10000.
  t.equal(kubernetesLeastAllocated(of(6_000, 4_000), of(5_000, 10_000)) * 100, 25)
  // most_allocated_test.go: (6000/10000 + 5000/20000)/2 = 42.5, and an overfull resource counts 100.
  t.equal(Math.floor(kubernetesMostAllocated(of(6_000, 10_000), of(5_000, 20_000)) * 100), 42)
  t.equal(kubernetesMostAllocated(of(12_000, 10_000), of(20_000, 20_000)), 1)
  t.equal(kubernetesLeastAllocated(of(1, 0), of(1, 4)), 0.75, 'a resource that the zone lacks is omitted')
  t.equal(kubernetesLeastAllocated(of(0, 0), of(0, 0)), 0)
  t.end()
})

t.test('BalancedAllocation is 1 minus half the difference of the two shares', (t) => {
  t.equal(kubernetesBalancedAllocation(of(3_000, 6_000), of(5_000, 10_000)), 1)
  t.equal(kubernetesBalancedAllocation(of(3_000, 4_000), of(5_000, 10_000)), 0.875)
  t.equal(kubernetesBalancedAllocation(of(9_000, 4_000), of(5_000, 10_000)), 0.75, 'a share is at most 1')
  t.end()
})

t.test('binpack and spread agree with Nomad’s own worked examples', (t) => {
  // Nomad, nomad/structs/funcs_test.go, TestScoreFitBinPack, "mid-case": half of the CPU and half of the memory used.
  const half = [of(2_048, 4_096), of(4_096, 8_192)] as const
  t.match((nomadBinpack(...half) * 18).toFixed(3), '13.675')
  t.match((nomadSpread(...half) * 18).toFixed(3), '4.325')
  t.equal(nomadBinpack(of(4_096, 4_096), of(8_192, 8_192)), 1, 'a full node packs best, 18 of 18')
  t.equal(nomadSpread(of(4_096, 4_096), of(8_192, 8_192)), 0)
  t.equal(nomadBinpack(of(0, 4_096), of(0, 8_192)), 0, 'an empty node packs worst')
  t.equal(nomadSpread(of(0, 4_096), of(0, 8_192)), 1)
  t.end()
})

t.test('every preset stays within 0 and 1, even if a resource is overused', (t) => {
  const shares = [0, 0.3, 0.5, 1, 1.5, 9]
  for (const [name, formula] of Object.entries(allocationPresets)) {
    for (const cpu of shares) {
      for (const memory of shares) {
        const score = formula(of(cpu, 1), of(memory, 1))
        t.ok(score >= 0 && score <= 1, `${name}(${cpu}, ${memory}) = ${score}`)
      }
    }
  }
  t.end()
})

t.test('the NUMA fit prefers one zone, then near zones, then room', (t) => {
  t.equal(closenessOf([10], true), 1)
  t.equal(closenessOf([10, 30], false), 0.5)
  t.equal(closenessOf([10, 30], true), 0.25)
  t.equal(numaFit(1, 1), 1)
  t.equal(numaFit(1, 0), 0.5)
  const room = { isCpuKnown: true, cpus: 8, freeCpus: 4, memoryBytes: 100, freeMemoryBytes: 100 }
  t.equal(roomLeft(room, 2, 50), 0.25, 'the scarcer of the two')
  t.equal(roomLeft({ ...room, cpus: 0, freeCpus: 0 }, 0, 50), 0.5, 'a node of memory only')
  t.ok(
    numaFit(closenessOf([10], true), 0) >= numaFit(closenessOf([10, 11], true), 1),
    'one full zone beats two empty ones',
  )
  t.end()
})

t.test('weights are validated by name and value', (t) => {
  t.strictSame(resolveScoreWeights(), defaultScoreWeights)
  t.strictSame(Object.keys(defaultScoreWeights), scoreTerms)
  t.equal(resolveScoreWeights({ load: 0 }).load, 0)
  t.throws(() => resolveScoreWeights({ load: -1 }), { code: 'NUMACAST_INVALID_ARGUMENT', message: /weight of load/ })
  t.throws(() => resolveScoreWeights({ luck: 1 } as never), { code: 'NUMACAST_INVALID_ARGUMENT', message: /luck/ })
  t.end()
})
