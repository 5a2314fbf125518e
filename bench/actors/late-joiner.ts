// Joins late, again and again, and says how long it took to have every instance decoded. What is not timed: connecting,
// where the name does not say otherwise, and checking each value against what was written.
//
//     node late-joiner.js PEER ADDRESS SIZE
import { checkFleet } from '../peers/fleet.js'
import { type JoinerName, joiners } from '../peers/late-join.js'
import { act } from './act.js'

const [name, address, size] = process.argv.slice(2) as [JoinerName, string, string]
const joiner = await (await joiners[name]())(address, Number(size))

const calls = act({
  /** Milliseconds. */
  join: async (_: undefined): Promise<number> => {
    await joiner.prepare?.()
    const startMs = performance.now()
    const rows = await joiner.join()
    const tookMs = performance.now() - startMs
    checkFleet(rows, Number(size))
    await joiner.leave?.()
    return tookMs
  },
})
export type LateJoinerCalls = typeof calls
