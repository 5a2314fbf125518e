import t from 'tap'
import { ProcessInspector } from '../../src/liveliness/process-inspector.js'
import type { ProcessProbe, ProcessReading } from '../../src/liveliness/process-reading.js'

const reading = (state: ProcessProbe, cpuTimeMs: number | null = null): ProcessReading => ({
  state,
  cpuTimeMs,
  end: null,
})

t.test('one reading maps a process state to evidence', (t) => {
  for (const [state, kind] of [
    ['unknown', 'unknown'],
    ['gone', 'gone'],
    ['stopped', 'stopped'],
    ['io-wait', 'io-wait'],
    ['frozen', 'frozen'],
    ['exists', 'exists'],
    ['running', 'busy'],
    ['sleeping', 'asleep'],
  ] as const) {
    t.match(new ProcessInspector().inspect(reading(state), 0), { kind }, state)
  }
  const end = { cause: 'killed', detail: 'SIGKILL' } as const
  t.same(new ProcessInspector().inspect({ state: 'gone', cpuTimeMs: null, end }, 0), { kind: 'gone', end })
  t.end()
})

t.test('CPU time between two readings distinguishes a working process', (t) => {
  const witness = new ProcessInspector()
  const story: [number, number | null, string][] = [
    [0, 500, 'asleep'],
    [50, 550, 'asleep'], // too soon after the first reading
    [250, 600, 'busy'], // 100 of 250 ms
    [500, 640, 'asleep'], // 40 of 250 ms
    [750, 900, 'busy'],
    [1000, null, 'asleep'],
    [1250, 1400, 'asleep'], // no reading to compare with
    [1500, 1500, 'busy'],
    [1750, 0, 'asleep'], // a count that falls is ignored
  ]
  for (const [nowMs, cpuTimeMs, kind] of story) {
    t.match(witness.inspect(reading('sleeping', cpuTimeMs), nowMs), { kind }, `at ${nowMs}`)
  }
  t.same(witness.inspect(reading('running', 250), 2000), { kind: 'busy', detail: 'using 100 % of a CPU' })
  witness.reset()
  t.same(witness.inspect(reading('running', 999), 2250), { kind: 'busy', detail: 'computing' })
  t.end()
})
