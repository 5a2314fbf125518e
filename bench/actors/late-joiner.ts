// Joins late several times, and reports the time until every instance was decoded. Not timed: the comparison of each value
// with what was written, and connecting, unless the name includes it.
//
//     node late-joiner.js PEER ADDRESS SIZE
import { checkFleet } from '../peers/fleet.js'
import { type JoinerName, joiners } from '../peers/joiners.js'
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
