// A child process for tests of real cgroups: answers each message with what it reads of itself.
import { readHeadroom } from '../../src/topology/headroom.js'
import { openHeadroomSampler } from '../../src/topology/headroom-sampler.js'

export type ProbeRequest = { readonly read: true } | { readonly sample: true } | { readonly hogBytes: number }

const sampler = openHeadroomSampler({ slowIntervalMs: 100 })
const held: Buffer[] = []

process.on('message', (request: ProbeRequest) => {
  if ('hogBytes' in request) held.push(Buffer.alloc(request.hogBytes, 1))
  process.send?.('read' in request ? readHeadroom() : { ...sampler.sample() })
})
process.send?.('ready')
