// A child process for tests of real cgroups: answers each message with readings of itself.
import { readHeadroom } from '../../src/topology/cgroup/headroom.js'
import { type HeadroomSampler, openHeadroomSampler } from '../../src/topology/cgroup/headroom-sampler.js'

export type ProbeRequest =
  | { readonly do: 'read' }
  /** Read by a sampler that was opened at the start. */
  | { readonly do: 'sample' }
  /** Read by a sampler that is opened at the first such request and reads slow files once an hour. */
  | { readonly do: 'sample-patiently' }
  | { readonly do: 'hog'; readonly bytes: number }

const sampler = openHeadroomSampler({ slowIntervalMs: 100 })
let patient: HeadroomSampler | undefined
const held: Buffer[] = []

function answer(request: ProbeRequest): unknown {
  switch (request.do) {
    case 'read':
      return readHeadroom()
    case 'sample':
      return { ...sampler.sample() }
    case 'sample-patiently':
      patient ??= openHeadroomSampler({ slowIntervalMs: 3_600_000 })
      return { ...patient.sample() }
    case 'hog':
      return held.push(Buffer.alloc(request.bytes, 1))
  }
}

process.on('message', (request: ProbeRequest) => process.send?.(answer(request)))
process.send?.('ready')
