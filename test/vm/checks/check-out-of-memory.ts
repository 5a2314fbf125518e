import type { Test } from 'tap'
import type { Machine } from '../machine.js'
import type { OutOfMemoryMeasurement } from '../protocol.js'

/** In the order of their ends. */
const outcomes = [
  { workerId: 'hoarder', oomKills: 1, detail: 'SIGKILL, out of memory' },
  { workerId: 'neighbour', oomKills: 0, detail: 'SIGKILL' },
  { workerId: 'unlucky', oomKills: 1, detail: 'SIGKILL, out of memory' },
  { workerId: 'bystander', oomKills: 0, detail: 'SIGKILL' },
]

export function checkOutOfMemory(t: Test, _machine: Machine, measured: readonly OutOfMemoryMeasurement[]): void {
  t.equal(measured.length, outcomes.length, 'all cases were measured')
  for (const [index, { title, workerId, sightings, oomKills }] of measured.entries()) {
    const { detail, ...expected } = outcomes[index] ?? {}
    t.match({ workerId, oomKills }, expected, `${workerId} ${title}: OOM kills as counted by the kernel`)
    t.same(
      sightings.at(-1),
      { workerId, liveliness: 'dead', cause: 'killed', detail },
      `${workerId} ${title}: ${detail}`,
    )
  }
}
