import { invalidArgument, NumacastError } from '../../core/errors.js'
import { checkGroupName } from '../../wire/radio.js'
import type { Group } from './transport.js'

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT */
export function checkGroup(group: Group): void {
  checkGroupName(group.name)
  if (Number.isInteger(group.port) && group.port >= 1 && group.port <= 65_535) return
  throw invalidArgument(`the port of group "${group.name}" must be an integer from 1 to 65535, not ${group.port}`, {
    group,
  })
}

/** @throws NumacastError NUMACAST_LIMIT */
export function checkBody(lane: string, body: Uint8Array, maxBodyBytes: number): void {
  if (body.length <= maxBodyBytes) return
  throw new NumacastError(
    'NUMACAST_LIMIT',
    `a ${lane} body of ${body.length} bytes exceeds the lane's maximum of ${maxBodyBytes}; split it or use another lane`,
    { details: { bodyBytes: body.length, maxBodyBytes } },
  )
}
