// One end of a link, in a process of its own.   node link-end.js PEER near|far ADDRESS
import type { Link, LinkRole } from '../peers/link.js'
import { type LinkName, links } from '../peers/links.js'
import { act } from './act.js'
import { FarEnd } from './far-end.js'
import { type ConflateOrder, type FloodOrder, NearEnd, type PingOrder } from './near-end.js'

const [name, role, address] = process.argv.slice(2) as [LinkName, LinkRole, string]

const near = new NearEnd(() => link)
const far = new FarEnd(() => link)
const openLink = await links[name]()
const link: Link = await openLink(address, role, (message) => {
  try {
    if (role === 'near') near.receive(message)
    else far.receive(message)
  } catch (error) {
    // Thrown outside of the caller, which might swallow it: this measurement is void.
    setImmediate(() => {
      throw error
    })
  }
})

const calls = act({
  ping: (order: PingOrder) => near.ping(order),
  flood: (order: FloodOrder) => near.flood(order),
  conflate: (order: ConflateOrder) => near.conflate(order),
})
export type LinkEndCalls = typeof calls
