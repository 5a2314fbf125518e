import fc from 'fast-check'
import t from 'tap'
import { WriterProgress } from '../../src/cache/writer-progress.js'

t.test('tracks token, head and gaps over each sequence of calls', (t) => {
  type Call = ['receive', number, number] | ['announce' | 'advanceTo' | 'retract' | 'skipTo', number]
  const cases: { name: string; calls: Call[]; applied: number; head: number }[] = [
    {
      name: 'in order',
      calls: [
        ['receive', 0, 3],
        ['receive', 3, 5],
      ],
      applied: 5,
      head: 5,
    },
    { name: 'conflated sequence numbers are no gap', calls: [['receive', 0, 500]], applied: 500, head: 500 },
    {
      name: 'a gap',
      calls: [
        ['receive', 0, 3],
        ['receive', 4, 5],
      ],
      applied: 3,
      head: 5,
    },
    {
      name: 'reordered',
      calls: [
        ['receive', 3, 5],
        ['receive', 5, 6],
        ['receive', 0, 3],
      ],
      applied: 6,
      head: 6,
    },
    {
      name: 'duplicated',
      calls: [
        ['receive', 0, 3],
        ['receive', 0, 3],
        ['receive', 3, 4],
        ['receive', 0, 3],
      ],
      applied: 4,
      head: 4,
    },
    {
      name: 'repaired',
      calls: [
        ['receive', 4, 5],
        ['receive', 7, 9],
        ['advanceTo', 4],
      ],
      applied: 5,
      head: 9,
    },
    {
      name: 'repaired into a run',
      calls: [
        ['receive', 4, 9],
        ['advanceTo', 6],
      ],
      applied: 9,
      head: 9,
    },
    {
      name: 'announced',
      calls: [
        ['announce', 7],
        ['announce', 5],
      ],
      applied: 0,
      head: 7,
    },
    {
      name: 'a false head corrected',
      calls: [
        ['receive', 0, 3],
        ['announce', 99],
        ['retract', 5],
      ],
      applied: 3,
      head: 5,
    },
    {
      name: 'a false run corrected',
      calls: [
        ['receive', 7, 99],
        ['retract', 7],
        ['advanceTo', 7],
      ],
      applied: 7,
      head: 7,
    },
    {
      name: 'the token never falls back',
      calls: [
        ['receive', 0, 9],
        ['retract', 5],
      ],
      applied: 9,
      head: 9,
    },
    {
      name: 'given up',
      calls: [
        ['receive', 0, 3],
        ['skipTo', 6],
        ['receive', 6, 7],
      ],
      applied: 7,
      head: 7,
    },
  ]
  for (const { name, calls, applied, head } of cases) {
    const progress = new WriterProgress()
    for (const call of calls) {
      if (call[0] === 'receive') progress.receive(call[1], call[2])
      else progress[call[0]](call[1])
    }
    t.same([progress.appliedSeq, progress.headSeq], [applied, head], name)
    t.same([progress.lagSamples, progress.hasGap], [head - applied, head > applied], name)
  }
  t.equal(new WriterProgress().skipTo(4), 4)
  t.end()
})

t.test('the token never falls or covers an unseen sequence number, and a repair always ends the gap', (t) => {
  const chance = fc.record({
    order: fc.array(fc.nat(199), { minLength: 1, maxLength: 400 }),
    sizes: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 200, maxLength: 200 }),
    repairs: fc.array(fc.nat(400), { maxLength: 10 }),
  })
  fc.assert(
    fc.property(chance, ({ order, sizes, repairs }) => {
      // 200 consecutive frames. Each arrives never, once, or several times, in any order.
      const frames: [number, number][] = []
      for (const size of sizes) frames.push([frames.at(-1)?.[1] ?? 0, (frames.at(-1)?.[1] ?? 0) + size])
      const progress = new WriterProgress()
      const covered = new Set<number>()
      let before = 0
      const check = (): void => {
        if (progress.appliedSeq < before) throw new Error('the token fell')
        before = progress.appliedSeq
        for (let seq = 1; seq <= before; seq++) if (!covered.has(seq)) throw new Error(`${seq} was never seen`)
        if (progress.headSeq < progress.appliedSeq) throw new Error('the head is behind')
      }
      order.forEach((index, at) => {
        const [prevSeq = 0, lastSeq = 0] = frames[index] ?? []
        for (let seq = prevSeq + 1; seq <= lastSeq; seq++) covered.add(seq)
        progress.receive(prevSeq, lastSeq)
        check()
        const repair = repairs.find((due) => due === at)
        if (repair === undefined) return
        const to = Math.min(progress.headSeq, progress.appliedSeq + repair)
        for (let seq = 1; seq <= to; seq++) covered.add(seq)
        progress.advanceTo(to)
        check()
      })
      progress.advanceTo(progress.headSeq)
      if (progress.hasGap) throw new Error('a gap is left')
    }),
    { seed: 1, numRuns: 500 },
  )
  t.end()
})
