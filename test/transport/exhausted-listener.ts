/**
 * A transport in a process that has no free file descriptor while the parent connects to it. Each message of the parent is
 * answered: `exhaust` when no descriptor is left, `free` when they are free again.
 */
import { closeSync, openSync } from 'node:fs'
import { systemClock } from '../../src/core/time/clock.js'
import { openTransport } from '../../src/transport/open.js'

const transport = await openTransport({ domain: Number(process.env.DOMAIN), clock: systemClock })
transport.stream.serve((request) => request)
const hoard: number[] = []

process.on('message', (command) => {
  if (command === 'exhaust') {
    try {
      for (;;) hoard.push(openSync('/dev/null', 'r'))
    } catch {
      // No descriptor is left.
    }
  } else for (const descriptor of hoard.splice(0)) closeSync(descriptor)
  process.send?.(command)
})
process.on('disconnect', () => void transport.close())
process.send?.([...transport.stream.requestEndpoints, ...(await transport.stream.publishEndpoints())])
